"""Calibration of each class against the rest, for methods that know two classes."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from imbalance_derm.posthoc.contract import Posthoc, PosthocContext


class Curve(Protocol):
    """From the log-odds of a class, float64 (n,), to the logarithm of its probability."""

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        """Return log probabilities, float64 (n,), finite."""

    def facts(self) -> dict[str, Any]:
        """Return the curve's numbers: JSON-able."""


@dataclass(frozen=True, slots=True)
class Sigmoid:
    """``log sigmoid(slope * score + intercept)``; by default the probability as it is.

    Examples
    --------
    >>> float(np.exp(Sigmoid(slope=2.0)(np.array([0.5])))[0].round(4))
    0.7311
    """

    slope: float = 1.0
    intercept: float = 0.0

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        """Return log probabilities."""
        probabilities: np.ndarray = -np.logaddexp(0.0, -(self.slope * scores + self.intercept))
        return probabilities

    def facts(self) -> dict[str, Any]:
        """Return slope and intercept."""
        return {"slope": self.slope, "intercept": self.intercept}


class OneVsRest(Posthoc):
    """A curve per class on its log-odds against the rest, then normalised: ``q_k / sum_j q_j``.

    The score of class k is ``z_k - log sum_{j != k} exp z_j``, the log-odds of its softmax
    probability; with two classes it is the difference of the logits.

    Notes
    -----
    A class that is missing from validation, or the only one there, cannot be fitted: its
    probability enters the normalisation as the model gave it.

    References
    ----------
    Zadrozny and Elkan 2002, "Transforming classifier scores into accurate multiclass
    probability estimates", KDD 694.
    """

    def __init__(self) -> None:
        self.curves: list[Curve] = []

    @abstractmethod
    def learn(self, scores: np.ndarray, positive: np.ndarray) -> Curve:
        """Fit the curve of one class.

        Parameters
        ----------
        scores : ndarray of float64, shape (n,)
            Log-odds of the class.
        positive : ndarray of bool, shape (n,)
            Holds both values.
        """

    def fit(self, logits: np.ndarray, labels: np.ndarray, context: PosthocContext) -> None:
        """Fit a curve to each class that validation can tell from others."""
        self.curves = []
        for index in range(logits.shape[1]):
            positive = labels == index
            known = positive.any() and not positive.all()
            curve = self.learn(log_odds(logits, index), positive) if known else Sigmoid()
            self.curves.append(curve)

    def apply(self, logits: np.ndarray) -> np.ndarray:
        """Return the logarithms of the calibrated probabilities; their softmax normalises."""
        return np.stack(
            [curve(log_odds(logits, index)) for index, curve in enumerate(self.curves)], axis=1
        )

    def facts(self) -> dict[str, Any]:
        """Return the numbers of each class's curve."""
        return {"curves": [curve.facts() for curve in self.curves]}


def log_odds(logits: np.ndarray, index: int) -> np.ndarray:
    """Return the log-odds of class `index` against the others, (n,); inf where it is the only one.

    Examples
    --------
    >>> log_odds(np.array([[0.0, 1.0, 0.0]]), 1).round(4).tolist()
    [0.3069]
    """
    odds: np.ndarray = logits[:, index] - np.logaddexp.reduce(
        np.delete(logits, index, axis=1), axis=1
    )
    return odds
