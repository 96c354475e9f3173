"""Small random data for the rules: lesions, and what a training is handed."""

from __future__ import annotations

import numpy as np
from accelerate import Accelerator

from imbalance_derm.data.lesions import LesionSet
from imbalance_derm.training.context import TrainingContext


def make_lesions(
    counts: tuple[int, ...],
    size: int = 16,
    dim: int | None = None,
    masks: bool = False,
    surroundings: int = 0,
) -> LesionSet:
    """Return training lesions whose classes differ in brightness.

    Parameters
    ----------
    counts : tuple of int
        Lesions of each class.
    size : int
        Side of the images.
    dim : int, optional
        Embeddings of that many columns instead of images.
    masks : bool
        Whether lesions have masks.
    surroundings : int
        Seed of rows that stand behind those of the set in memory, as those of other splits may.
    """
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(len(counts)), counts)
    n = len(labels)
    if dim is None:
        base = 90 + 40 * labels[:, None, None, None]
        samples = np.clip(base + rng.normal(0, 30, (n, size, size, 3)), 0, 255).astype(np.uint8)
    else:
        samples = (rng.normal(size=(n, dim)) + labels[:, None]).astype(np.float32)
    others = np.random.default_rng([1, surroundings]).integers(0, 256, samples.shape)
    whole = np.concatenate([samples, others.astype(samples.dtype)])
    whole.setflags(write=False)
    ids = np.array([f"train/class{label}/image{row}.png" for row, label in enumerate(labels)])
    covered = np.zeros((n, size, size), bool)
    covered[:, size // 4 : -(size // 4), size // 4 : -(size // 4)] = True
    names = tuple(f"class{label}" for label in range(len(counts)))
    return LesionSet(
        whole[:n], labels, np.full(n, -1), ids, ids, names, (), covered if masks else None
    )


def make_context() -> TrainingContext:
    """Return the context of a training on the CPU."""
    return TrainingContext(Accelerator(cpu=True), seed=3)
