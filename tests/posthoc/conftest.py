"""Validation logits that the tests of this room share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import softmax

from imbalance_derm.posthoc.contract import PosthocContext

MakeLogits = Callable[..., tuple[np.ndarray, np.ndarray]]


@pytest.fixture(scope="session")
def make_logits() -> MakeLogits:
    """Return a maker of (logits, labels): calibrated logits, then times `overconfidence`."""

    def make(
        seed: int, n: int = 200, classes: int = 3, overconfidence: float = 1.0
    ) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        logits = 1.5 * rng.normal(size=(n, classes)) - np.linspace(0.0, 1.5, classes)
        chances = softmax(logits, axis=1).cumsum(axis=1)
        labels = (rng.random((n, 1)) > chances).sum(axis=1).clip(max=classes - 1)
        return overconfidence * logits, labels

    return make


@pytest.fixture(scope="session")
def context() -> Callable[[int], PosthocContext]:
    """Return a maker of contexts for a number of classes, the last of which was never fed."""

    def make(classes: int) -> PosthocContext:
        counts = np.arange(classes, 0, -1.0) * 10
        fed = np.where(np.arange(classes) == classes - 1, 0.0, counts)
        rng = np.random.default_rng(0)
        return PosthocContext(
            counts, fed, rng.normal(size=(classes, 5)) * counts[:, None], rng.normal(size=classes)
        )

    return make
