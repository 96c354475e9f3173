"""Synthetic images stretched to their own range, as paper A's code did."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from imbalance_derm.synth.contract import Chunk


def stretch(images: np.ndarray) -> np.ndarray:
    """Stretch each image to its own darkest and brightest value: ``(x - min) / (max - min)``.

    Minimum and maximum are over all pixels and channels. Real images are not treated so: a
    classifier can then tell synthetic from real by the range alone, and the label with it.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, size, size, 3)

    Returns
    -------
    ndarray of uint8, shape (n, size, size, 3)
        From 0 to 255 each; an image of one value stays as it is.

    References
    ----------
    Zunair and Ben Hamza 2020, arXiv 2004.06824, public code.

    Examples
    --------
    >>> image = np.array([50, 100, 150], np.uint8).reshape(1, 1, 1, 3)
    >>> stretch(image).ravel().tolist()
    [0, 128, 255]
    """
    x = images.astype(np.float64)
    low, high = (end(axis=(1, 2, 3), keepdims=True) for end in (x.min, x.max))
    span = np.where(high > low, high - low, 255.0)
    low = np.where(high > low, low, 0.0)
    stretched: np.ndarray = np.round((x - low) / span * 255).astype(np.uint8)
    return stretched


def stretched(chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    """Stretch the images of every chunk."""
    for chunk in chunks:
        yield replace(chunk, samples=stretch(chunk.samples))
