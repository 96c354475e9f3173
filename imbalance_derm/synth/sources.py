"""From which real image each synthetic sample is made, and other small shared things."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

import numpy as np
import torch

from imbalance_derm.synth.contract import CHUNK


def draw_sources(
    rows: np.ndarray, count: int, seed: int, label: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Draw a source for each of `count` samples; none is used again before all were used.

    Parameters
    ----------
    rows : ndarray of int, shape (n,)
        Rows that can be sources.
    count, seed : int
    label : int
        Class that is made; each class has an order of its own.

    Yields
    ------
    index, source, use : ndarrays of int, one entry per sample, at most ``CHUNK`` at a time
        Running number of the sample, the row of its source, and how often that source was
        used before.

    Examples
    --------
    >>> [(index, source, use)] = draw_sources(np.array([7, 8]), 3, seed=0, label=1)
    >>> sorted(source[:2].tolist()), use.tolist()
    ([7, 8], [0, 0, 1])
    """
    order = np.random.default_rng((seed, label)).permutation(rows)
    for start in range(0, count, CHUNK):
        index = np.arange(start, min(start + CHUNK, count))
        yield index, order[index % len(order)], index // len(order)


def hash_tensors(tensors: Mapping[str, torch.Tensor]) -> str:
    """Return a short hash of names and values, the identity of a fitted model.

    Examples
    --------
    >>> len(hash_tensors({"weight": torch.zeros(2)}))
    16
    """
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
