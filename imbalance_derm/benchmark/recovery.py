"""Finds the confusion matrix behind a printed figure, or says that none or several exist."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction

from imbalance_derm.errors import InputError


@dataclass(frozen=True, slots=True)
class ConfusionCounts:
    """The four counts of a binary decision."""

    true_positives: int
    false_negatives: int
    true_negatives: int
    false_positives: int

    @property
    def matrix(self) -> list[list[int]]:
        """Rows are the truth, columns the decision, the positive class last."""
        return [
            [self.true_negatives, self.false_positives],
            [self.false_negatives, self.true_positives],
        ]


def _ratio(part: int, whole: int) -> Fraction | None:
    return Fraction(part, whole) if whole else None


def _sensitivity(c: ConfusionCounts) -> Fraction | None:
    return _ratio(c.true_positives, c.true_positives + c.false_negatives)


def _specificity(c: ConfusionCounts) -> Fraction | None:
    return _ratio(c.true_negatives, c.true_negatives + c.false_positives)


def _npv(c: ConfusionCounts) -> Fraction | None:
    return _ratio(c.true_negatives, c.true_negatives + c.false_negatives)


def _ppv(c: ConfusionCounts) -> Fraction | None:
    return _ratio(c.true_positives, c.true_positives + c.false_positives)


def _accuracy(c: ConfusionCounts) -> Fraction | None:
    right = c.true_positives + c.true_negatives
    return _ratio(right, right + c.false_positives + c.false_negatives)


def _balanced_accuracy(c: ConfusionCounts) -> Fraction | None:
    sensitivity, specificity = _sensitivity(c), _specificity(c)
    if sensitivity is None or specificity is None:
        return None
    return (sensitivity + specificity) / 2


QUANTITIES: dict[str, Callable[[ConfusionCounts], Fraction | None]] = {
    "sensitivity": _sensitivity,
    "specificity": _specificity,
    "npv": _npv,
    "ppv": _ppv,
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
}
"""What a printed figure may be, as an exact function of the confusion matrix (None: 0 / 0)."""


def recover(
    positives: int,
    negatives: int,
    false_negatives: int,
    printed: str,
    quantity: str = "npv",
    unit: str = "%",
) -> tuple[ConfusionCounts, ...]:
    """Return every confusion matrix that agrees with a printed figure, to its last digit.

    A matrix agrees where its exact value lies within half a unit of the last printed digit
    (both ends included, so that any way of rounding a tie is allowed; a figure that was cut
    off instead of rounded is not). The arithmetic is exact.

    Parameters
    ----------
    positives, negatives : int
        Test images of each class, 0 or more.
    false_negatives : int
        Positives that were missed, from 0 to `positives`.
    printed : str
        The figure as it stands in the paper, such as ``"91.76"``: its decimals count.
    quantity : str
        What the figure is: a key of :data:`QUANTITIES`.
    unit : {"%", "1"}
        Whether the figure is in per cent or a fraction.

    Returns
    -------
    tuple of ConfusionCounts
        Empty where no matrix fits, one where the figure pins it down, otherwise several.

    Raises
    ------
    InputError
        A count is out of range, or `printed`, `quantity` or `unit` cannot be read.

    Examples
    --------
    MelaNet's "Sensitivity" of 91.76 % with 22 missed melanomas (arXiv 2004.06824, Table 1):

    >>> [found] = recover(75, 304, 22, "91.76")
    >>> found.true_positives, found.true_negatives, found.false_positives
    (53, 245, 59)
    >>> recover(75, 304, 22, "91.76", quantity="sensitivity")
    ()
    """
    if positives < 0 or negatives < 0 or not 0 <= false_negatives <= positives:
        raise InputError(
            f"{false_negatives} false negatives among {positives} positives and {negatives} "
            "negatives: counts are 0 or more, and no more can be missed than there are"
        )
    if quantity not in QUANTITIES:
        raise InputError(f"cannot recover from '{quantity}'; choices: {', '.join(QUANTITIES)}")
    low, high = printed_range(printed, unit)
    value = QUANTITIES[quantity]
    found = []
    for true_negatives in range(negatives + 1):
        counts = ConfusionCounts(
            positives - false_negatives,
            false_negatives,
            true_negatives,
            negatives - true_negatives,
        )
        exact = value(counts)
        if exact is not None and low <= exact <= high:
            found.append(counts)
    return tuple(found)


def printed_range(printed: str, unit: str = "%") -> tuple[Fraction, Fraction]:
    """Return the exact values, as fractions of 1, that round to a printed figure.

    Raises
    ------
    InputError
        `printed` is not a plain decimal number, or `unit` is neither ``"%"`` nor ``"1"``.

    Examples
    --------
    >>> printed_range("50.7")
    (Fraction(1013, 2000), Fraction(203, 400))
    """
    scale = {"%": 100, "1": 1}.get(unit)
    if scale is None:
        raise InputError(f"unit '{unit}' of a printed figure is neither '%' nor '1'")
    try:
        number = Decimal(printed)
    except InvalidOperation as error:
        raise InputError(f"'{printed}' is not a printed figure; write it as in 91.76") from error
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or exponent > 0:
        raise InputError(f"'{printed}' is not a printed figure; write it as in 91.76")
    half = Fraction(1, 2 * 10**-exponent)
    return (Fraction(number) - half) / scale, (Fraction(number) + half) / scale
