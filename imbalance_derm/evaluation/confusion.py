"""Metrics of decisions, each computed from confusion matrices of many resamples at once.

A confusion matrix has the truth in its rows and the decision in its columns. Weights have one
row per resample: how often each image was drawn; a row of ones gives the plain matrix. Where a
ratio has nothing to count (a class that was not drawn, or never decided) it is nan, not 0 or 1.
"""

from __future__ import annotations

import numpy as np


def confusion_matrix(
    labels: np.ndarray, decided: np.ndarray, classes: int, weights: np.ndarray
) -> np.ndarray:
    """Return confusion matrices, float64 (b, classes, classes): rows truth, columns decision.

    Parameters
    ----------
    labels, decided : ndarray of int64, shape (n,)
    classes : int
    weights : ndarray of float64, shape (b, n)

    Examples
    --------
    >>> confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), 2, np.ones((1, 3)))[0].tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    """
    cells = np.zeros((len(labels), classes * classes))
    cells[np.arange(len(labels)), labels * classes + decided] = 1.0
    return (weights @ cells).reshape(-1, classes, classes)


def accuracy(matrices: np.ndarray) -> np.ndarray:
    """Return the share of right decisions, (b,)."""
    return _divide(_right(matrices).sum(axis=1), matrices.sum(axis=(1, 2)))


def sensitivity(matrices: np.ndarray) -> np.ndarray:
    """Return the share of each class that is decided to be it, TP / (TP + FN), (b, classes)."""
    return _divide(_right(matrices), matrices.sum(axis=2))


def specificity(matrices: np.ndarray) -> np.ndarray:
    """Return the share of the others not decided to be it, TN / (TN + FP), (b, classes)."""
    others = _total(matrices) - matrices.sum(axis=2)
    return _divide(_true_negatives(matrices), others)


def ppv(matrices: np.ndarray) -> np.ndarray:
    """Return how often a decision for the class is right, TP / (TP + FP), (b, classes)."""
    return _divide(_right(matrices), matrices.sum(axis=1))


def npv(matrices: np.ndarray) -> np.ndarray:
    """Return how often a decision against the class is right, TN / (TN + FN), (b, classes)."""
    against = _total(matrices) - matrices.sum(axis=1)
    return _divide(_true_negatives(matrices), against)


def f1(matrices: np.ndarray) -> np.ndarray:
    """Return 2 TP / (2 TP + FP + FN), (b, classes); nan where the class has no image."""
    truth, decision = matrices.sum(axis=2), matrices.sum(axis=1)
    return _divide(2 * _right(matrices), np.where(truth > 0, truth + decision, 0.0))


def mcc(matrices: np.ndarray) -> np.ndarray:
    """Return Matthews' correlation of truth and decision over all classes, (b,).

    In [-1, 1]; 0 where every decision is the same, nan where every image is of one class.

    Notes
    -----
    R_K of Gorodkin, Computational Biology and Chemistry 28 (2004), equation 8; in two classes
    the coefficient of Matthews (1975).
    """
    total = matrices.sum(axis=(1, 2))
    truth, decision = matrices.sum(axis=2), matrices.sum(axis=1)

    def covariance(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return total**2 - np.einsum("bc,bc->b", first, second)

    both = _right(matrices).sum(axis=1) * total - np.einsum("bc,bc->b", truth, decision)
    spread = covariance(truth, truth) * covariance(decision, decision)
    known = np.where(covariance(truth, truth) > 0, 0.0, np.nan)
    return np.divide(both, np.sqrt(spread), out=known, where=spread > 0)


def _right(matrices: np.ndarray) -> np.ndarray:
    return np.diagonal(matrices, axis1=1, axis2=2)


def _total(matrices: np.ndarray) -> np.ndarray:
    return matrices.sum(axis=(1, 2))[:, None]


def _true_negatives(matrices: np.ndarray) -> np.ndarray:
    return _total(matrices) - matrices.sum(axis=2) - matrices.sum(axis=1) + _right(matrices)


def _divide(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    return np.divide(
        numerator, denominator, out=np.full(numerator.shape, np.nan), where=denominator > 0
    )
