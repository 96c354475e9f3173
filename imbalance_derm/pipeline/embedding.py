"""Stage: features of a frozen backbone, computed once per image."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from imbalance_derm.experiment.fingerprint import source_digest
from imbalance_derm.experiment.stages import Progress, Stage
from imbalance_derm.models.contract import Backbone
from imbalance_derm.pipeline.lesions import Split
from imbalance_derm.pipeline.synthesis import Synthetic
from imbalance_derm.pipeline.workbench import Workbench
from imbalance_derm.synth.sources import hash_tensors
from imbalance_derm.training.inference import embed

FILE = "embeddings.npy"


def embed_split(
    bench: Workbench, backbone: Backbone, split: Split, identity: dict[str, Any]
) -> Split:
    """Return `split` with its images replaced by embeddings, float32 (n, d), memory-mapped.

    Parameters
    ----------
    identity : dict
        All that determines the backbone, see :func:`~imbalance_derm.pipeline.workbench.identity`.
    """
    stage = _embed(bench, backbone, split.lesions.samples, split.key, identity)
    return replace(split, lesions=split.lesions.with_samples(_features(stage)), key=stage.key)


def embed_synthetic(
    bench: Workbench, backbone: Backbone, synthetic: Synthetic, identity: dict[str, Any]
) -> Synthetic:
    """Return `synthetic` with its images replaced by embeddings; embeddings stay as they are."""
    if synthetic.samples.ndim == 2 or not len(synthetic.labels):
        return synthetic
    stage = _embed(bench, backbone, synthetic.samples, synthetic.key, identity)
    return replace(synthetic, samples=_features(stage), key=stage.key)


def _features(stage: Stage) -> np.ndarray:
    features: np.ndarray = np.load(stage.folder / FILE, mmap_mode="r")
    return features


def _embed(
    bench: Workbench,
    backbone: Backbone,
    images: np.ndarray,
    key: str,
    identity: dict[str, Any],
) -> Stage:
    inputs = {
        "backbone": identity,
        "data": key,
        # Not the seed: it only matters to a backbone that starts from random weights.
        "weights": hash_tensors(backbone.state_dict()),
        "code": source_digest("imbalance_derm.training.inference"),
        "arithmetic": bench.arithmetic,
    }

    def compute(folder: Path, progress: Progress) -> dict[str, int]:
        shape = (len(images), backbone.features)
        into = np.lib.format.open_memmap(folder / FILE, "w+", np.float32, shape)
        embed(backbone, images, bench.accelerator, into, progress)
        into.flush()
        return {"images": len(images), "features": backbone.features}

    return bench.cache.run("embed", inputs, compute)
