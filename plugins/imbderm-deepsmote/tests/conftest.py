# ruff: noqa: D100, D103
from __future__ import annotations

import numpy as np
import pytest
from accelerate import Accelerator

from imbalance_derm.data.lesions import LesionSet
from imbalance_derm.training.context import TrainingContext


@pytest.fixture(scope="session")
def accelerator():
    return Accelerator(cpu=True)


@pytest.fixture
def context(accelerator):
    return TrainingContext(accelerator, seed=1)


@pytest.fixture
def two_colours():
    """Build images of two random colours: above each other in class 0, side by side else."""

    def build(counts, size=16):
        rng = np.random.default_rng(0)
        labels = np.repeat(np.arange(len(counts)), counts)
        samples = np.empty((len(labels), size, size, 3), np.uint8)
        for image, label in zip(samples, labels, strict=True):
            image[:], other = rng.integers(0, 256, (2, 3))
            half = image[size // 2 :] if label == 0 else image[:, size // 2 :]
            half[:] = other
        ids = np.array([f"image{row}" for row in range(len(labels))])
        names = tuple(f"class{label}" for label in range(len(counts)))
        return LesionSet(samples, labels, np.full(len(labels), -1), ids, ids, names, ())

    return build
