"""How far predicted probabilities can be taken at their word."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BINS = 15


def brier(probabilities: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the Brier score of each resample, (b,): mean squared error of the probabilities.

    Two classes: squared error of the positive class's probability, in [0, 1]. More classes:
    squared errors summed over the classes, in [0, 2] (Brier 1950). Both as scikit-learn does.

    Parameters
    ----------
    probabilities : ndarray of float, shape (n, classes)
    labels : ndarray of int64, shape (n,)
    weights : ndarray of float64, shape (b, n)
        Times that each image was drawn.

    Examples
    --------
    >>> brier(np.array([[0.8, 0.2]]), np.array([1]), np.ones((1, 1))).round(2).tolist()
    [0.64]
    """
    classes = probabilities.shape[1]
    errors = ((probabilities - np.eye(classes)[labels]) ** 2).sum(axis=1)
    return (weights @ errors) / weights.sum(axis=1) / (2.0 if classes == 2 else 1.0)


def expected_calibration_error(
    probabilities: np.ndarray, labels: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Return the expected calibration error of each resample, (b,), in [0, 1].

    The gap between confidence (probability of the most likely class) and how often that class
    is right, in 15 bins of equal width, averaged over the images (Guo et al., ICML 2017,
    equation 5). It judges the probabilities alone: no decision threshold enters. It cannot fall
    below 0, so chance gaps add up: it and more so its bootstrap draws lie above the truth in
    small sets.

    Parameters
    ----------
    probabilities : ndarray of float, shape (n, classes)
    labels : ndarray of int64, shape (n,)
    weights : ndarray of float64, shape (b, n)

    Examples
    --------
    >>> sure_and_wrong = np.array([[0.0, 1.0]])
    >>> expected_calibration_error(sure_and_wrong, np.array([0]), np.ones((1, 1))).tolist()
    [1.0]
    """
    confidence, right = _top_label(probabilities, labels)
    gaps = np.zeros((len(labels), BINS))
    gaps[np.arange(len(labels)), _bin(confidence)] = right - confidence
    return np.abs(weights @ gaps).sum(axis=1) / weights.sum(axis=1)


@dataclass(frozen=True, eq=False)
class Reliability:
    """What a reliability diagram shows; one entry per bin, nan where a bin is empty.

    Attributes
    ----------
    edges : ndarray of float64, shape (bins + 1,)
    confidence, accuracy : ndarray of float64, shape (bins,)
        Mean confidence, and share of its most likely classes that are right.
    counts : ndarray of int64, shape (bins,)
    """

    edges: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray
    counts: np.ndarray


def reliability(probabilities: np.ndarray, labels: np.ndarray) -> Reliability:
    """Return confidence and accuracy in the bins of :func:`expected_calibration_error`.

    Examples
    --------
    >>> diagram = reliability(np.array([[0.1, 0.9], [0.1, 0.9]]), np.array([1, 0]))
    >>> diagram.counts.sum(), float(np.nanmax(diagram.accuracy))
    (np.int64(2), 0.5)
    """
    confidence, right = _top_label(probabilities, labels)
    bins = _bin(confidence)
    counts = np.bincount(bins, minlength=BINS)
    shares = np.where(counts > 0, counts, np.nan)
    return Reliability(
        edges=np.linspace(0.0, 1.0, BINS + 1),
        confidence=np.bincount(bins, weights=confidence, minlength=BINS) / shares,
        accuracy=np.bincount(bins, weights=right, minlength=BINS) / shares,
        counts=counts,
    )


def _top_label(probabilities: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    top = probabilities.argmax(axis=1)
    confidence = np.take_along_axis(probabilities, top[:, None], axis=1)[:, 0]
    return confidence, (top == labels).astype(np.float64)


def _bin(confidence: np.ndarray) -> np.ndarray:
    """Bin k holds confidences in (k / BINS, (k + 1) / BINS], as Guo et al. have it."""
    inner = np.linspace(0.0, 1.0, BINS + 1)[1:-1]
    return np.searchsorted(inner, confidence, side="left")
