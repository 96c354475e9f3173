"""How many synthetic samples of each class: the quota, read, checked and turned into counts."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from imbalance_derm.errors import InputError
from imbalance_derm.registry.manager import suggest

FORMS = (
    "balance, per_source, xN (such as x5), a ratio with a point (such as 0.5, at most 1.0), "
    "a count (such as 200), or one of these for each class (such as {mel = 'x2', df = 300})"
)

_TIMES = re.compile(r"x([0-9]+)")
_COUNT = re.compile(r"[0-9]+")
_RATIO = re.compile(r"[0-9]*\.[0-9]+")

Form = str | int | float


def majority_class(counts: np.ndarray) -> int:
    """Return the index of the largest class; the first one where several are equally large."""
    return int(np.argmax(counts))


def resolve_quota(
    quota: Form | dict[str, Form],
    counts: np.ndarray,
    targets: Sequence[int],
    classes: Sequence[str],
) -> dict[int, int]:
    """Return how many samples to make of each class.

    Parameters
    ----------
    quota : str, int, float or dict
        ``"balance"`` tops each target class up to the size of the largest class;
        ``"per_source"`` asks, for each minority class, for as many as the largest class has
        images (one per majority image, paper A's way: 727 for 727 benign images);
        ``"xN"`` asks for N per real image of *every* target class, the largest included;
        a ratio in (0, 1], written with a point, tops up to that share of the largest class;
        a count, a whole number above zero, is made of each minority class.
        A minority class is a target class other than the largest one.
        A dict from class name to one of these forms asks for the named classes only, the
        largest included where it is named.
    counts : ndarray of int, shape (classes,)
        Real training images of each class.
    targets : sequence of int
        Classes that the synthesizer can make.
    classes : sequence of str

    Returns
    -------
    dict of int to int
        Class index to number, in order of class; classes with nothing to make are left out.

    Raises
    ------
    InputError
        The quota has none of the forms, or names a class that is unknown or no target.

    Examples
    --------
    >>> resolve_quota("balance", np.array([727, 173]), [0, 1], ["benign", "malignant"])
    {1: 554}
    >>> resolve_quota("per_source", np.array([727, 173]), [1], ["benign", "malignant"])
    {1: 727}
    >>> resolve_quota({"malignant": "x2"}, np.array([727, 173]), [0, 1], ["benign", "malignant"])
    {1: 346}
    """
    largest = majority_class(counts)
    if isinstance(quota, dict):
        forms = {_target(name, targets, classes): form for name, form in quota.items()}
        minority = dict.fromkeys(forms, True)
    else:
        forms = dict.fromkeys(targets, quota)
        minority = {label: label != largest for label in targets}
    try:
        wanted = {
            label: _number_for(form, int(counts[label]), int(counts[largest]), minority[label])
            for label, form in sorted(forms.items())
        }
    except ValueError as error:
        raise InputError(f"synth.quota={quota!r}: {error}") from error
    return {label: number for label, number in wanted.items() if number > 0}


def _number_for(form: Form, own: int, largest: int, minority: bool) -> int:
    text = str(form).strip()
    if text == "balance":
        return max(0, largest - own)
    if text == "per_source":
        return largest if minority else 0
    if match := _TIMES.fullmatch(text):
        if int(match[1]) > 0:
            return int(match[1]) * own
    elif _RATIO.fullmatch(text):
        if 0 < float(text) <= 1:
            return max(0, round(float(text) * largest) - own)
    elif _COUNT.fullmatch(text) and int(text) > 0:
        return int(text) if minority else 0
    raise ValueError(f"'{text}' is not a quota; write {FORMS}")


def _target(name: str, targets: Sequence[int], classes: Sequence[str]) -> int:
    if name not in classes:
        raise InputError(f"synth.quota names an unknown class '{name}'{suggest(name, classes)}")
    label = list(classes).index(name)
    if label not in targets:
        raise InputError(
            f"synth.quota names class '{name}', which this synthesizer cannot make"
            f"{suggest(name, [classes[target] for target in targets])}"
        )
    return label
