"""Pools of rows for the tests of the samplers."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture(scope="session")
def clouds():
    """Labels, in mixed order, and embeddings of classes that overlap: less the larger `apart`."""

    def make(counts, dim=5, seed=0, apart=3.0):
        rng = np.random.default_rng(seed)
        labels = rng.permutation(np.repeat(np.arange(len(counts)), counts))
        centres = apart * rng.normal(size=(len(counts), dim))
        samples = centres[labels] + rng.normal(size=(len(labels), dim))
        return labels, samples.astype(np.float32)

    return make
