"""From probabilities to a decision: the rule is chosen on validation and then stays fixed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from imbalance_derm.errors import InputError
from imbalance_derm.evaluation.predictions import Predictions, require_finite

Criterion = Literal["youden", "sensitivity", "argmax"]


@dataclass(frozen=True, slots=True)
class Decision:
    """How a class is decided from probabilities.

    Attributes
    ----------
    rule : {"threshold", "argmax"}
        ``threshold`` (two classes): the positive class where its probability is at least
        `threshold`. ``argmax``: the most likely class, the first of equals.
    threshold : float or None
        None with ``argmax``.
    criterion : str
        What the threshold was chosen by, "youden" or "sensitivity", or "argmax".
    chosen_on : str
        The split that it was chosen on, or "nothing" where no data entered.
    """

    rule: Literal["threshold", "argmax"]
    threshold: float | None
    criterion: Criterion
    chosen_on: str


ARGMAX = Decision("argmax", None, "argmax", "nothing")


def choose_decision(
    validation: Predictions, criterion: Criterion = "youden", target_sensitivity: float = 0.9
) -> Decision:
    """Choose the rule on validation predictions.

    Two classes: the threshold on the positive class's probability that maximises Youden's J on
    validation, and with it balanced accuracy. It lies midway between two neighbouring scores;
    of equally good thresholds the lowest is taken, which misses fewer positives. With the
    criterion ``sensitivity`` it is the highest threshold that reaches `target_sensitivity` on
    validation. More classes, or the criterion ``argmax``: the most likely class.

    Parameters
    ----------
    validation : Predictions
    criterion : {"youden", "sensitivity", "argmax"}
    target_sensitivity : float
        In (0, 1].

    Raises
    ------
    InputError
        A class is missing from validation, so that no threshold can be chosen.
    RunError
        A probability is not finite.

    Notes
    -----
    Youden, Cancer 3 (1950): J = sensitivity + specificity - 1 = 2 balanced accuracy - 1.

    Examples
    --------
    >>> ids = np.array(["a", "b", "c", "d"])
    >>> p = np.array([0.1, 0.2, 0.3, 0.8])
    >>> validation = Predictions(
    ...     ids, ids, np.array([0, 0, 1, 1]), np.stack([1 - p, p], 1), ("benign", "malignant")
    ... )
    >>> choose_decision(validation).threshold
    0.25
    """
    require_finite(validation)
    if criterion == "argmax" or len(validation.classes) != 2:
        return ARGMAX
    scores, positive = validation.probabilities[:, 1], validation.labels == 1
    positives, negatives = int(positive.sum()), int((~positive).sum())
    if not positives or not negatives:
        missing = validation.classes[0 if not negatives else 1]
        raise InputError(
            f"validation has no image of class {missing!r}, so no threshold can be chosen; "
            "enlarge the validation split"
        )
    distinct, place = np.unique(scores, return_inverse=True)
    # Candidate i decides for the scores of rank i and above. Deciding for none is no better
    # than deciding for all, so it is no candidate.
    true_positives = positives - _below(place[positive], len(distinct))
    true_negatives = _below(place[~positive], len(distinct))
    if criterion == "sensitivity":
        reached = true_positives >= target_sensitivity * positives - 1e-9
        rank = int(np.flatnonzero(reached)[-1])  # all positives are found at the lowest
        return Decision("threshold", _between(distinct, rank), "sensitivity", "validation")
    # Balanced accuracy times 2 * positives * negatives: whole numbers, so equal means equal.
    merit = true_positives * negatives + true_negatives * positives
    best = int(np.argmax(merit))
    return Decision("threshold", _between(distinct, best), "youden", "validation")


def decide(predictions: Predictions, decision: Decision) -> np.ndarray:
    """Return the decided class of each image, int64 (n,), an index into its classes.

    Examples
    --------
    >>> ids = np.array(["a", "b"])
    >>> p = np.array([[0.7, 0.3], [0.9, 0.1]])
    >>> said = Predictions(ids, ids, np.array([1, 0]), p, ("benign", "malignant"))
    >>> decide(said, Decision("threshold", 0.25, "youden", "validation")).tolist()
    [1, 0]
    """
    if decision.threshold is None:
        return predictions.probabilities.argmax(axis=1)
    return (predictions.probabilities[:, 1] >= decision.threshold).astype(np.int64)


def _below(places: np.ndarray, distinct: int) -> np.ndarray:
    """Return the number of images ranked below each of the `distinct` scores."""
    here = np.bincount(places, minlength=distinct)
    return np.cumsum(here) - here


def _between(distinct: np.ndarray, rank: int) -> float:
    """Return the threshold below the score of this rank, midway to the score before it."""
    high = float(distinct[rank])
    low = float(distinct[rank - 1]) if rank else 0.0
    middle = (low + high) / 2
    # Neighbouring floats have no midpoint; what reaches `high` must be decided positive alone.
    return middle if middle > low else high
