"""Tau-normalisation of the classifier's weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from imbalance_derm.errors import InputError
from imbalance_derm.posthoc.contract import Posthoc, PosthocContext

GRID = np.arange(11) / 10
"""Values of tau that are tried."""


class TauNorm(Posthoc):
    """Even out the weight norms of the classes: ``(logits - b) / ||w|| ** tau``.

    Frequent classes get weights of larger norm, and with them larger logits. `tau` is that of
    0, 0.1, ..., 1 with the best balanced accuracy of the most likely class on validation, of
    equals the smallest.

    Notes
    -----
    At tau 0 the bias alone is dropped; at 1 all classes have weights of norm 1. The
    probabilities are not calibrated, as the logits change their scale. A class missing from
    validation does not count in balanced accuracy, and is normalised like the others. A class
    whose weights are all 0 keeps its logit without bias, which is 0.

    References
    ----------
    Kang et al. 2020, "Decoupling Representation and Classifier for Long-Tailed Recognition",
    arXiv 1910.09217, section 4; the bias is discarded there, too.

    Examples
    --------
    >>> logits, labels = np.array([[2.0, 1.5], [1.0, 0.1]]), np.array([1, 0])
    >>> counts, weight = np.array([9.0, 1.0]), np.array([[0.0, 2.0], [1.0, 0.0]])
    >>> method = TauNorm()
    >>> method.fit(logits, labels, PosthocContext(counts, counts, weight))
    >>> method.facts()["tau"], method.apply(logits).argmax(axis=1).tolist()
    (0.5, [1, 0])
    """

    def __init__(self) -> None:
        self.tau = 0.0
        self.norms: np.ndarray = np.ones(())
        self.bias: np.ndarray = np.zeros(())

    def fit(self, logits: np.ndarray, labels: np.ndarray, context: PosthocContext) -> None:
        """Choose tau by balanced accuracy.

        Raises
        ------
        InputError
            The logits are not those of a linear layer.
        """
        if context.weight is None:
            raise InputError(
                "posthoc tau_norm needs logits that come straight from a linear layer, and this "
                "head or a training stage behind it gives others; choose another --posthoc, or "
                "--head single_task"
            )
        norms = np.linalg.norm(context.weight, axis=1)
        self.norms = np.where(norms > 0, norms, 1.0)
        self.bias = np.zeros(len(norms)) if context.bias is None else context.bias
        merits = np.array(
            [balanced_accuracy(self._normalised(logits, tau), labels) for tau in GRID]
        )
        # Means of equal recalls can differ in the last bit.
        self.tau = float(GRID[np.argmax(merits >= merits.max() - 1e-12)])

    def apply(self, logits: np.ndarray) -> np.ndarray:
        """Return the logits of the normalised weights, without bias."""
        return self._normalised(logits, self.tau)

    def facts(self) -> dict[str, Any]:
        """Return tau, and the norm of each class's weights."""
        return {"tau": self.tau, "norms": self.norms.tolist()}

    def _normalised(self, logits: np.ndarray, tau: float) -> np.ndarray:
        normalised: np.ndarray = (logits - self.bias) / self.norms**tau
        return normalised


def balanced_accuracy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean recall of the most likely class over the classes among `labels`.

    Examples
    --------
    >>> balanced_accuracy(np.array([[1.0, 0.0], [1.0, 0.0], [2.0, 1.0]]), np.array([0, 0, 1]))
    0.5
    """
    right = logits.argmax(axis=1) == labels
    return float(np.mean([right[labels == c].mean() for c in np.unique(labels)]))
