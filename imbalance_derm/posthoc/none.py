"""Logits as they are."""

from __future__ import annotations

import numpy as np

from imbalance_derm.posthoc.contract import Posthoc, PosthocContext


class NoPosthoc(Posthoc):
    """Leave the logits as they are."""

    def fit(self, logits: np.ndarray, labels: np.ndarray, context: PosthocContext) -> None:
        """Learn nothing."""

    def apply(self, logits: np.ndarray) -> np.ndarray:
        """Return `logits`."""
        return logits
