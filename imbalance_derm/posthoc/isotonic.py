"""Isotonic calibration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.isotonic import IsotonicRegression

from imbalance_derm.posthoc.one_vs_rest import OneVsRest


@dataclass(frozen=True, eq=False)
class Steps:
    """A rising curve through points, straight between them and level beyond.

    Attributes
    ----------
    scores, probabilities : ndarray of float64, shape (points,)
        Both rise; probabilities lie within (0, 1).
    """

    scores: np.ndarray
    probabilities: np.ndarray

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        """Return log probabilities."""
        return np.log(np.interp(scores, self.scores, self.probabilities))

    def facts(self) -> dict[str, Any]:
        """Return the points."""
        return {"scores": self.scores.tolist(), "probabilities": self.probabilities.tolist()}


class Isotonic(OneVsRest):
    """The rising step function of the log-odds that fits validation best in squared error.

    Every class has its own, against the rest; the probabilities are then divided by their sum,
    which with two classes is 1. Between the scores of validation it is interpolated.

    Notes
    -----
    Of n images none can tell a probability below ``1 / (n + 2)`` from 0: the function is held
    between that and its complement, so that logits stay finite. Every other step lies between
    them already.

    Images of equal scores count as one, with the mean of their labels. On a step different
    scores get the same probability: ties arise, an order is never reversed with two classes, and
    the AUC can move. A class ranked worse than chance has one step, its share. Fewer than some
    hundreds of images of the rarest class give a rough curve; `platt` needs less.

    A class that is missing from validation, or the only one there, keeps its probability before
    the division.

    References
    ----------
    Zadrozny and Elkan 2002, "Transforming classifier scores into accurate multiclass
    probability estimates", KDD 694.

    Examples
    --------
    >>> from imbalance_derm.posthoc.contract import PosthocContext
    >>> scores, labels = np.array([-3.0, -1.0, 1.0, 3.0]), np.array([0, 1, 0, 1])
    >>> counts, method = np.array([2.0, 2.0]), Isotonic()
    >>> logits = np.stack([0 * scores, scores], axis=1)
    >>> method.fit(logits, labels, PosthocContext(counts, counts))
    >>> np.exp(method.apply(logits))[:, 1].round(3).tolist()
    [0.167, 0.5, 0.5, 0.833]
    """

    def learn(self, scores: np.ndarray, positive: np.ndarray) -> Steps:
        """Fit the step function."""
        least = 1 / (len(scores) + 2)
        regression = IsotonicRegression(y_min=least, y_max=1 - least, out_of_bounds="clip")
        regression.fit(scores, positive.astype(np.float64))
        return Steps(regression.X_thresholds_, regression.y_thresholds_)
