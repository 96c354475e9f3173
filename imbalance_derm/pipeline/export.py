"""The run's own files: predictions, weights, and the synthetic images with their manifest."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from imbalance_derm.experiment.files import replacing
from imbalance_derm.pipeline.classifier import WEIGHTS, Trained
from imbalance_derm.pipeline.judgement import PREDICTIONS, Judgement
from imbalance_derm.pipeline.synthesis import Synthetic

SYNTHETIC = "synthetic"
MANIFEST = "manifest.csv"


def export_run(
    folder: Path,
    trained: Trained,
    synthetic: Synthetic | None,
    judgement: Judgement,
    classes: tuple[str, ...],
) -> None:
    """Put predictions, weights and synthetic samples into the run's folder."""
    _copy(judgement.file, folder / PREDICTIONS)
    _copy(trained.stage.folder / WEIGHTS, folder / WEIGHTS)
    if synthetic is not None and len(synthetic.labels):
        export_synthetic(folder / SYNTHETIC, synthetic, classes)


def export_synthetic(folder: Path, synthetic: Synthetic, classes: tuple[str, ...]) -> None:
    """Write synthetic images as PNG in class folders (embeddings as one npy), and a manifest.

    The manifest has a row per sample: file, class, method, sources, seed, model, mode,
    strength, site.
    """
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    names = np.asarray(classes)[synthetic.labels]
    manifest = synthetic.manifest.drop(columns=["index", "label"])
    if synthetic.samples.ndim == 4:
        files = [f"{name}/{row:06d}.png" for row, name in enumerate(names)]
        for name in set(names):
            (partial / name).mkdir(parents=True)

        def write(row: int) -> None:
            Image.fromarray(synthetic.samples[row]).save(partial / files[row], compress_level=1)

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(write, range(len(files))))
    else:
        files = [f"embeddings.npy#{row}" for row in range(len(names))]
        np.save(partial / "embeddings.npy", synthetic.samples)
    manifest.insert(0, "class", names)
    manifest.insert(0, "file", files)
    manifest.to_csv(partial / MANIFEST, index=False)
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)


def _copy(source: Path, target: Path) -> None:
    """Copy a file; sharing it would let an edit of the run's file into the cache."""
    with replacing(target) as temporary:
        shutil.copyfile(source, temporary)
