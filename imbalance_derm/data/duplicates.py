"""Images that occur twice: equal to the last bit, or nearly equal to the eye."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy.fft import dctn

from imbalance_derm.data.pixels import square

SIDE = 32
"""Side of the thumbnails that are compared, in pixels."""
_WAVES = 8
_BLOCK = 256
_ROUNDING = 1e-5


class NearPair(NamedTuple):
    """Two images that look alike.

    Attributes
    ----------
    first, second : int
        Positions; `first` is the smaller.
    similarity : float
        Correlation of the two thumbnails, at most 1.
    """

    first: int
    second: int
    similarity: float


def equal_groups(keys: Sequence[Hashable]) -> list[list[int]]:
    """Return the positions of each key that occurs more than once, in order of appearance.

    None never equals anything.

    Examples
    --------
    >>> equal_groups(["a", "b", None, "a", None])
    [[0, 3]]
    """
    places: dict[Hashable, list[int]] = {}
    for place, key in enumerate(keys):
        if key is not None:
            places.setdefault(key, []).append(place)
    return [group for group in places.values() if len(group) > 1]


def thumbnail(image: Image.Image | np.ndarray) -> np.ndarray:
    """Return the grey centre square of an RGB image, uint8 of shape (32, 32).

    The square is the one that a run sees, so a photograph and its centre crop look alike.
    """
    return np.asarray(Image.fromarray(square(image, SIDE)).convert("L"))


def near_duplicates(
    thumbnails: np.ndarray,
    similarity: float = 0.98,
    progress: Callable[[int, int], None] | None = None,
) -> list[NearPair]:
    """Find every pair of images that look alike, though light, size or compression differ.

    What counts is the correlation of the thumbnails. Turned, mirrored and strongly cropped
    copies are not found, nor pictures without contrast.

    Parameters
    ----------
    thumbnails : ndarray of uint8, shape (n, 32, 32)
    similarity : float, in (0, 1]
        Smallest correlation. On HAM10000 with the ISIC 2018 test set, 0.98 gives 113 pairs: 110
        share a lesion id, the other three show one lesion to the eye. At 0.97 different
        lesions appear, at 0.95 they are the most.
    progress : callable, optional
        ``progress(done, n)``.

    Returns
    -------
    list of NearPair
        Sorted by `first`, then `second`.

    Notes
    -----
    The 8x8 low frequencies of the discrete cosine transform (those of a perceptual hash) tell
    which pairs need a closer look. With thumbnails of mean 0 and length 1, ``correlation =
    1 - |a - b|^2 / 2``, and the transform keeps distances: frequencies that are left out only
    add to them. So unlike a hash of bits this misses no pair. Time grows with the square of
    `n`, memory with `n`.

    Examples
    --------
    >>> one, other = np.random.default_rng(0).integers(0, 255, (2, 32, 32)).astype(np.uint8)
    >>> [pair[:2] for pair in near_duplicates(np.stack([one, other, one // 2]))]
    [(0, 2)]
    """
    count = len(thumbnails)
    waves = [_waves(thumbnails[s : s + _BLOCK]) for s in range(0, count, _BLOCK)]
    low = np.concatenate(waves) if waves else np.zeros((0, _WAVES**2), np.float32)
    energy = (low**2).sum(axis=1)
    largest = 2 * (1 - similarity) + _ROUNDING
    pairs: list[NearPair] = []
    for start in range(0, count, _BLOCK):
        block = slice(start, start + _BLOCK)
        apart = energy[block, None] + energy[None, start:] - 2 * low[block] @ low[start:].T
        one, other = np.nonzero(apart <= largest)
        later = one < other
        one, other = one[later] + start, other[later] + start
        found = _correlations(thumbnails, one, other)
        close = found >= similarity
        triples = zip(one[close].tolist(), other[close].tolist(), found[close], strict=True)
        pairs += [NearPair(a, b, float(value)) for a, b, value in triples]
        if progress is not None:
            progress(min(start + _BLOCK, count), count)
    return pairs


def _waves(thumbnails: np.ndarray) -> np.ndarray:
    """Return the low frequencies of standardised thumbnails, float32 of shape (n, 64)."""
    small = _standard(thumbnails).reshape(thumbnails.shape)
    low = dctn(small, axes=(1, 2), norm="ortho")[:, :_WAVES, :_WAVES]
    return low.reshape(len(low), -1).astype(np.float32)


def _correlations(thumbnails: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    found = np.empty(len(one), dtype=np.float64)
    # In pieces: a set of very many copies has very many candidates.
    for start in range(0, len(one), 4096):
        piece = slice(start, start + 4096)
        a, b = _standard(thumbnails[one[piece]]), _standard(thumbnails[other[piece]])
        found[piece] = np.minimum((a * b).sum(axis=1), 1.0)
    return found


def _standard(thumbnails: np.ndarray) -> np.ndarray:
    """Return rows of mean 0 and length 1; of zeros where there is no contrast."""
    flat = thumbnails.reshape(len(thumbnails), -1).astype(np.float64)
    flat -= flat.mean(axis=1, keepdims=True)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    # One grey level of contrast is what compression makes of an empty picture.
    return np.divide(flat, length, out=np.zeros_like(flat), where=length > flat.shape[1] ** 0.5)
