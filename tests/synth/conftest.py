"""Small training sets and a checkpoint in memory, for the tests of this room."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from accelerate import Accelerator

from imbalance_derm.data.lesions import LesionSet
from imbalance_derm.training.context import TrainingContext


class MemoryCheckpoint:
    """Keeps the last state; `interrupt` saves after so many steps and then kills."""

    def __init__(self, interrupt: int | None = None, every: int = 1) -> None:
        self.state, self.asked, self.interrupt, self.every = None, 0, interrupt, every

    def load(self):
        return copy.deepcopy(self.state)

    def save(self, state):
        # A file keeps no strides and shares no memory: neither does this copy.
        self.state = copy.deepcopy(state)
        if self.asked == self.interrupt:
            raise KeyboardInterrupt

    def due(self):
        self.asked += 1
        return self.asked % self.every == 0


def make_lesions(counts, size=16, seed=0, dim=None):
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(counts)), counts)
    if dim is None:
        # Classes differ in brightness, so that a translation has something to learn.
        base = 90 + 40 * labels[:, None, None, None]
        samples = np.clip(base + rng.normal(0, 30, (len(labels), size, size, 3)), 0, 255)
        samples = samples.astype(np.uint8)
    else:
        samples = rng.normal(size=(len(labels), dim)).astype(np.float32)
    samples.setflags(write=False)
    ids = np.array([f"image{row}" for row in range(len(labels))])
    names = tuple(f"class{label}" for label in range(len(counts)))
    return LesionSet(samples, labels, np.full(len(labels), -1), ids, ids, names, ())


@pytest.fixture(scope="session")
def accelerator():
    return Accelerator(cpu=True)


@pytest.fixture
def context(accelerator):
    return TrainingContext(accelerator, seed=3)


@pytest.fixture
def lesions():
    """Builds a training set: ``lesions(counts, size=16, dim=None)``."""
    return make_lesions


@pytest.fixture
def memory_checkpoint():
    return MemoryCheckpoint
