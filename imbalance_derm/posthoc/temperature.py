"""Temperature scaling."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import softmax

from imbalance_derm.posthoc.contract import Posthoc, PosthocContext

COLDEST, HOTTEST = 0.01, 100.0
"""The temperature stays between these."""


class Temperature(Posthoc):
    """Divide all logits by one temperature: ``logits / T``.

    T minimises the mean negative log-likelihood of validation. It sets how sure the model is
    and never which class is the most likely.

    Notes
    -----
    T is sought between 0.01 and 100. Without a bound it would fall to 0 where every image of
    validation is right, and rise beyond all limits where the model is no better than chance.
    The likelihood is that of the classes in validation: one missing there is scaled like the
    others. With one class T is 1.

    The negative log-likelihood is convex in ``1 / T``; its slope, the mean over images of
    ``sum_k p_k z_k - z_label``, is solved for 0.

    References
    ----------
    Guo et al. 2017, "On Calibration of Modern Neural Networks", arXiv 1706.04599, section 4.2.

    Examples
    --------
    >>> logits, labels = np.tile([2.0, 0.0], (4, 1)), np.array([0, 0, 0, 1])
    >>> counts, method = np.array([3.0, 1.0]), Temperature()
    >>> method.fit(logits, labels, PosthocContext(counts, counts))
    >>> round(method.facts()["temperature"], 4)  # three of four are right: 2 / log 3
    1.8205
    """

    def __init__(self) -> None:
        self.temperature = 1.0

    def fit(self, logits: np.ndarray, labels: np.ndarray, context: PosthocContext) -> None:
        """Find the temperature."""
        of_truth = logits[np.arange(len(labels)), labels]

        def slope(inverse: float) -> float:
            expected = (softmax(inverse * logits, axis=1) * logits).sum(axis=1)
            return float((expected - of_truth).mean())

        if slope(1.0) == 0.0:
            self.temperature = 1.0
        elif slope(1 / HOTTEST) >= 0.0:
            self.temperature = HOTTEST
        elif slope(1 / COLDEST) <= 0.0:
            self.temperature = COLDEST
        else:
            self.temperature = 1 / float(brentq(slope, 1 / HOTTEST, 1 / COLDEST, xtol=1e-12))

    def apply(self, logits: np.ndarray) -> np.ndarray:
        """Return ``logits / T``."""
        return logits / self.temperature

    def facts(self) -> dict[str, Any]:
        """Return the temperature."""
        return {"temperature": self.temperature}
