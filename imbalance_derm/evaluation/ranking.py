"""Metrics of how well scores rank positives above negatives, for many resamples at once.

Every function takes one row of weights per resample: how often each image was drawn. A row of
ones gives the plain figure. Equal scores share one threshold, as in scikit-learn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Thresholds:
    """What every threshold, from the highest score down, lets through in each resample.

    Attributes
    ----------
    true_positives, false_positives : ndarray of float64, shape (b, t)
        Weight of the positives and negatives whose score reaches the threshold.
    positives, negatives : ndarray of float64, shape (b,)
        Total weight of either kind.
    """

    true_positives: np.ndarray
    false_positives: np.ndarray
    positives: np.ndarray
    negatives: np.ndarray


def thresholds(scores: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> Thresholds:
    """Count true and false positives at every distinct score.

    Parameters
    ----------
    scores : ndarray of float, shape (n,)
        Finite; higher means more likely positive.
    positive : ndarray of bool, shape (n,)
    weights : ndarray of float64, shape (b, n)
        Times that each image was drawn, in each of `b` resamples.

    Examples
    --------
    >>> scores, positive = np.array([0.9, 0.2, 0.2]), np.array([True, True, False])
    >>> found = thresholds(scores, positive, np.ones((1, 3)))
    >>> found.true_positives.tolist(), found.false_positives.tolist()
    ([[1.0, 2.0]], [[0.0, 1.0]])
    """
    order = np.argsort(-scores, kind="stable")
    ranked, found = scores[order], positive[order]
    last_of_tie = np.append(ranked[1:] != ranked[:-1], True)
    drawn = weights[:, order]
    reached = np.cumsum(drawn, axis=1)
    true_positives = np.cumsum(drawn * found, axis=1)
    if not last_of_tie.all():
        reached, true_positives = reached[:, last_of_tie], true_positives[:, last_of_tie]
    false_positives = reached - true_positives
    return Thresholds(
        true_positives, false_positives, true_positives[:, -1], false_positives[:, -1]
    )


def auc(at: Thresholds) -> np.ndarray:
    """Return the area under the ROC curve, (b,); nan where positives or negatives are missing.

    Equals the chance that a positive scores higher than a negative, equal scores counting half.

    Examples
    --------
    >>> at = thresholds(np.array([0.9, 0.4, 0.4]), np.array([True, True, False]), np.ones((1, 3)))
    >>> auc(at).tolist()
    [0.75]
    """
    rise = np.diff(at.true_positives, axis=1, prepend=0.0)
    run = np.diff(at.false_positives, axis=1, prepend=0.0)
    area = np.einsum("bt,bt->b", at.true_positives - rise / 2, run)
    return _divide(area, at.positives * at.negatives)


def average_precision(at: Thresholds) -> np.ndarray:
    """Return the mean precision over the steps in recall, (b,); nan without positives.

    No interpolation, so that it does not flatter: sum over thresholds of the increase in recall
    times the precision.

    Examples
    --------
    >>> at = thresholds(np.array([0.9, 0.8, 0.1]), np.array([False, True, True]), np.ones((1, 3)))
    >>> round(float(average_precision(at)[0]), 4)
    0.5833
    """
    rise = np.diff(at.true_positives, axis=1, prepend=0.0)
    reached = at.true_positives + at.false_positives
    precision = at.true_positives / np.maximum(reached, 1.0)
    return _divide(np.einsum("bt,bt->b", rise, precision), at.positives)


def sensitivity_at_specificity(at: Thresholds, specificity: float) -> np.ndarray:
    """Return the highest sensitivity, (b,), of a threshold with at least this specificity.

    Only thresholds between scores count: points of the ROC curve are not joined by lines. A
    threshold above every score (sensitivity 0, specificity 1) always qualifies.

    Examples
    --------
    >>> at = thresholds(np.array([0.9, 0.5, 0.1]), np.array([True, False, True]), np.ones((1, 3)))
    >>> sensitivity_at_specificity(at, 0.95).tolist()
    [0.5]
    """
    allowed = _whole(at.negatives, specificity)
    qualify = np.count_nonzero(at.false_positives <= allowed[:, None], axis=1)
    reached = np.take_along_axis(
        np.pad(at.true_positives, ((0, 0), (1, 0))), qualify[:, None], axis=1
    )[:, 0]
    return _divide(np.where(at.negatives > 0, reached, np.nan), at.positives)


def specificity_at_sensitivity(at: Thresholds, sensitivity: float) -> np.ndarray:
    """Return the highest specificity, (b,), of a threshold with at least this sensitivity.

    Examples
    --------
    >>> at = thresholds(np.array([0.9, 0.5, 0.1]), np.array([True, False, False]), np.ones((1, 3)))
    >>> specificity_at_sensitivity(at, 0.95).tolist()
    [1.0]
    """
    may_miss = _whole(at.positives, sensitivity)
    missed = at.positives[:, None] - at.true_positives
    first = np.argmax(missed <= may_miss[:, None], axis=1)
    wrong = np.take_along_axis(at.false_positives, first[:, None], axis=1)[:, 0]
    return _divide(np.where(at.positives > 0, at.negatives - wrong, np.nan), at.negatives)


def _whole(total: np.ndarray, rate: float) -> np.ndarray:
    """Most images out of `total` that may be wrong; 1 of 20 at 0.95 in spite of rounding."""
    return np.floor(total * (1.0 - rate) + 1e-9)


def _divide(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    return np.divide(
        numerator, denominator, out=np.full(len(numerator), np.nan), where=denominator > 0
    )
