"""Synthetic samples on disk: one array and a manifest with a row for each of them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd
from numpy.lib import format as npy

from imbalance_derm.synth.contract import Chunk

SAMPLES_FILE = "samples.npy"
MANIFEST_FILE = "manifest.csv"
MANIFEST_COLUMNS = (
    "index", "label", "method", "sources", "seed", "model", "mode", "strength", "site",
)  # fmt: skip
SEPARATOR = ";"
"""Between the ids in the manifest's column ``sources``."""


def write_samples(
    chunks: Iterable[Chunk], folder: Path, progress: Callable[[int], None] | None = None
) -> int:
    """Stream `chunks` to `folder` and return how many samples were written.

    Memory does not grow with the number of samples. The folder is complete only when this
    returns; moving it into place atomically is the caller's business.

    Parameters
    ----------
    chunks : iterable of Chunk
        All of one dtype and sample shape, of any classes.
    folder : Path
        Is created where missing; ``samples.npy`` (uint8 images or float32 embeddings) and
        ``manifest.csv`` are written into it.
    progress : callable, optional
        Called with the number of samples written so far, after every chunk.

    Examples
    --------
    >>> import tempfile
    >>> from imbalance_derm.synth.contract import Provenance
    >>> chunk = Chunk(np.zeros((1, 8, 8, 3), np.uint8), 1, [Provenance("none", ("a",), 0)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_samples([chunk], Path(folder))
    1
    """
    folder.mkdir(parents=True, exist_ok=True)
    written, dtype, shape = 0, np.dtype(np.uint8), (0,)
    with (
        (folder / SAMPLES_FILE).open("wb") as array,
        (folder / MANIFEST_FILE).open("w", newline="", encoding="utf-8") as table,
    ):
        manifest = csv.writer(table, lineterminator="\n")
        manifest.writerow(MANIFEST_COLUMNS)
        for chunk in chunks:
            if written == 0:
                dtype, shape = chunk.samples.dtype, chunk.samples.shape
                _write_header(array, dtype, shape)
            array.write(np.ascontiguousarray(chunk.samples, dtype=dtype).data)
            sites = chunk.sites or ("",) * len(chunk.provenance)
            for row, (origin, site) in enumerate(
                zip(chunk.provenance, sites, strict=True), start=written
            ):
                sources = SEPARATOR.join(origin.sources)
                made = (origin.method, sources, origin.seed, origin.model)
                strength = "" if origin.strength is None else origin.strength
                manifest.writerow((row, chunk.label, *made, origin.mode, strength, site))
            written += len(chunk.provenance)
            if progress is not None:
                progress(written)
        # The npy format pads its header so that the first axis can grow in place.
        array.seek(0)
        _write_header(array, dtype, (written, *shape[1:]))
    return written


def read_samples(folder: Path) -> tuple[np.ndarray, np.ndarray, pd.DataFrame]:
    """Return what :func:`write_samples` wrote.

    Returns
    -------
    samples : ndarray, shape (n, ...)
        A read-only memory map (an empty array where nothing was made).
    labels : ndarray of int64, shape (n,)
    manifest : DataFrame, n rows
        Columns :data:`MANIFEST_COLUMNS`; ``sources`` holds ids joined by :data:`SEPARATOR`.
    """
    text = dict.fromkeys(("method", "sources", "model", "mode", "strength", "site"), str)
    manifest = pd.read_csv(folder / MANIFEST_FILE, dtype=text, keep_default_na=False)
    labels = manifest["label"].to_numpy(np.int64)
    # An empty file cannot be mapped.
    samples = np.load(folder / SAMPLES_FILE, mmap_mode="r" if len(manifest) else None)
    return samples, labels, manifest


def _write_header(array: BinaryIO, dtype: np.dtype, shape: tuple[int, ...]) -> None:
    header = {"descr": npy.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    npy.write_array_header_1_0(array, header)
