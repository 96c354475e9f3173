"""Stage: features of a frozen backbone, computed once per image."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from imbalance_derm.experiment.fingerprint import source_digest
from imbalance_derm.experiment.stages import Progress
from imbalance_derm.models.contract import Backbone
from imbalance_derm.pipeline.lesions import Split
from imbalance_derm.pipeline.workbench import Workbench
from imbalance_derm.training.inference import embed

FILE = "embeddings.npy"


def embed_split(bench: Workbench, backbone: Backbone, split: Split) -> Split:
    """Return `split` with its images replaced by embeddings, float32 (n, d), memory-mapped."""
    inputs = {
        "backbone": bench.identity("backbone"),
        "data": split.key,
        "seed": bench.spec.seed,
        "code": source_digest("imbalance_derm.training.inference"),
        "arithmetic": bench.arithmetic,
    }

    def compute(folder: Path, progress: Progress) -> dict[str, int]:
        images = split.lesions.samples
        shape = (len(images), backbone.features)
        into = np.lib.format.open_memmap(folder / FILE, "w+", np.float32, shape)
        embed(backbone, images, bench.accelerator, into, progress)
        into.flush()
        return {"images": len(images), "features": backbone.features}

    stage = bench.cache.run("embed", inputs, compute)
    samples = np.load(stage.folder / FILE, mmap_mode="r")
    return replace(split, lesions=split.lesions.with_samples(samples), key=stage.key)
