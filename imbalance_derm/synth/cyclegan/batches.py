"""Batches of one domain."""

from __future__ import annotations

from functools import lru_cache

import numpy as np


def draw_batch(
    samples: np.ndarray,
    rows: np.ndarray,
    step: int,
    size: int,
    seed: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return the images of one step; each image is seen once before any is seen again.

    Parameters
    ----------
    samples : ndarray of uint8, shape (n, side, side, 3)
    rows : ndarray of int
        Rows of `samples` that belong to the domain.
    step, size, seed : int
        Step, images in a batch, and the seed of the order.
    rng : numpy Generator
        Decides which images are mirrored left to right: each with probability 1/2.

    Returns
    -------
    ndarray of uint8, shape (size, side, side, 3)

    Examples
    --------
    >>> images = np.zeros((3, 4, 4, 3), np.uint8)
    >>> draw_batch(images, np.arange(3), 0, 2, seed=0, rng=np.random.default_rng(0)).shape
    (2, 4, 4, 3)
    """
    chosen = [
        rows[_order(len(rows), seed, position // len(rows))[position % len(rows)]]
        for position in range(step * size, (step + 1) * size)
    ]
    mirrored = rng.random(size) < 0.5
    return np.stack(
        [
            samples[row][:, ::-1] if mirror else samples[row]
            for row, mirror in zip(chosen, mirrored, strict=True)
        ]
    )


@lru_cache(maxsize=8)
def _order(count: int, seed: int, epoch: int) -> np.ndarray:
    return np.random.default_rng((seed, epoch, count)).permutation(count)
