"""McNemar's test for the decisions of two fixed models on the same lesions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

from imbalance_derm.errors import InputError
from imbalance_derm.evaluation.decision import Decision, decide
from imbalance_derm.evaluation.intervals import LEVEL
from imbalance_derm.evaluation.predictions import Predictions, require_pairs


@dataclass(frozen=True, slots=True)
class McNemar:
    """Two models' right and wrong decisions compared.

    Attributes
    ----------
    only_first, only_second : int
        Lesions that only the first model, or only the second, gets right.
    lesions : int
        All that were compared.
    exact : float
        Two-sided p-value of the exact conditional test.
    mid_p : float
        Two-sided mid-p-value.
    """

    only_first: int
    only_second: int
    lesions: int
    exact: float
    mid_p: float

    def least_told(self, tests: int = 1) -> int | None:
        """Return how many of the discordant lesions one model had to get right to be told apart.

        Their number is taken as given, as the test does: so many on one side, and all others on
        the other, are the smallest imbalance with a mid-p-value below 5 %.

        Parameters
        ----------
        tests : int
            Size of the family that the test is one of: the mid-p-value must then be below 5 %
            divided by it, as in the first step of Holm's adjustment.

        Returns
        -------
        int or None
            None where even all of them on one side would not have told.

        Examples
        --------
        >>> one_to_seven = McNemar(1, 7, 40, 0.0703, 0.0391)
        >>> one_to_seven.least_told(), one_to_seven.least_told(tests=10)
        (7, 8)
        """
        n = self.only_first + self.only_second
        fewer = np.arange((n + 1) // 2)
        mid_p = 2 * binom.cdf(fewer, n, 0.5) - binom.pmf(fewer, n, 0.5)
        told = int((mid_p < (1 - LEVEL) / tests).sum())
        return n - told + 1 if told else None


def mcnemar(
    first: Predictions,
    first_decision: Decision,
    second: Predictions,
    second_decision: Decision,
    of_class: str | None = None,
) -> McNemar:
    """Test whether two fixed models decide equally many lesions rightly.

    Parameters
    ----------
    first, second : Predictions
        Of the same images in the same order.
    first_decision, second_decision : Decision
        Each model's own, chosen on validation.
    of_class : str, optional
        Compare on the images of this class only, which compares sensitivities (for the negative
        class of two: specificities). By default all images: accuracies, which in imbalanced
        data say little of the rare class.

    Raises
    ------
    InputError
        The class is unknown or has no image, or the images, their labels, lesions or the
        classes differ.
    RunError
        There is no image, or a probability is not finite.

    Notes
    -----
    The test takes what it counts as independent. Photographs of one lesion are not, so lesions
    are counted: a lesion is right where more than half of its photographs are decided rightly,
    for both models alike. With one photograph each this is the usual test on images.

    The models are taken as given: other training seeds are no part of it. The bootstrap of
    :func:`imbalance_derm.evaluation.over_seeds.paired_over_seeds` draws lesions and seeds.

    References
    ----------
    McNemar 1947, Psychometrika 12:153. The mid-p-value, which is less conservative than the
    exact test and all but keeps its level: Fagerland, Lydersen and Laake 2013, BMC Medical
    Research Methodology 13:91.

    Examples
    --------
    >>> from imbalance_derm.evaluation.decision import ARGMAX
    >>> ids, labels = np.arange(8).astype(str), np.arange(8) % 2
    >>> right, wrong = np.eye(2)[labels], np.eye(2)[1 - labels]
    >>> good = Predictions(ids, ids, labels, right, ("benign", "malignant"))
    >>> poor = Predictions(ids, ids, labels, wrong, ("benign", "malignant"))
    >>> found = mcnemar(good, ARGMAX, poor, ARGMAX)
    >>> found.only_first, found.only_second, round(found.exact, 4), round(found.mid_p, 4)
    (8, 0, 0.0078, 0.0039)
    """
    require_pairs(first, second)
    among = np.ones(len(first.labels), dtype=bool)
    if of_class is not None:
        if of_class not in first.classes:
            raise InputError(
                f"unknown class '{of_class}'; these models know {', '.join(first.classes)}"
            )
        among = first.labels == first.classes.index(of_class)
        if not among.any():
            raise InputError(f"the test set has no image of class '{of_class}' to compare on")
    names, lesion_of = np.unique(first.lesion_ids[among], return_inverse=True)
    photographs = np.bincount(lesion_of)

    def rights(said: Predictions, decision: Decision) -> np.ndarray:
        right = (decide(said, decision) == said.labels)[among]
        found: np.ndarray = 2 * np.bincount(lesion_of, weights=right) > photographs
        return found

    ours, theirs = rights(first, first_decision), rights(second, second_decision)
    only_first, only_second = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    return McNemar(only_first, only_second, len(names), *p_values(only_first, only_second))


def p_values(only_first: int, only_second: int) -> tuple[float, float]:
    """Return the exact and the mid-p-value, two-sided, of two discordant counts.

    Parameters
    ----------
    only_first, only_second : int
        Both of them 0: nothing speaks against equality, and both p-values are 1.

    Examples
    --------
    >>> [round(p, 4) for p in p_values(1, 7)]
    [0.0703, 0.0391]
    """
    n, fewer = only_first + only_second, min(only_first, only_second)
    if n == 0:
        return 1.0, 1.0
    # Twice the tail counts the middle of equal counts double.
    exact = min(1.0, 2 * float(binom.cdf(fewer, n, 0.5)))
    seen = float(binom.pmf(fewer, n, 0.5))
    return exact, exact - (seen / 2 if 2 * fewer == n else seen)
