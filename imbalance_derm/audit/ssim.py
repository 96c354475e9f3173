"""Structural similarity of small grey images, many pairs at once."""

from __future__ import annotations

import numpy as np
from PIL import Image
from scipy.ndimage import uniform_filter

SIDE = 64
WINDOW = 7
_BATCH = 256


def shrink_grey(images: np.ndarray) -> np.ndarray:
    """Return grey copies, uint8 (n, 64, 64), or of their own size where that is smaller.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, s, s, 3)

    Examples
    --------
    >>> shrink_grey(np.zeros((2, 128, 128, 3), np.uint8)).shape
    (2, 64, 64)
    """
    side = min(SIDE, images.shape[1])
    small = np.empty((len(images), side, side), np.uint8)
    for row, image in enumerate(images):
        grey = Image.fromarray(np.asarray(image)).convert("L")
        small[row] = np.asarray(grey.resize((side, side), Image.Resampling.BOX))
    return small


def ssim(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the mean structural similarity of each pair, float64 (n,), in [-1, 1].

    Uniform window of 7 pixels, sample covariances, range 255: scikit-image's defaults, but all
    pairs in one pass.

    Parameters
    ----------
    first, second : ndarray of uint8 or float, shape (n, s, s), s at least 7

    Notes
    -----
    Wang et al., IEEE Transactions on Image Processing 13 (2004), equation 13.

    Examples
    --------
    >>> image = np.random.default_rng(0).integers(0, 256, (1, 16, 16))
    >>> ssim(image, image).tolist()
    [1.0]
    """
    x, y = np.asarray(first, np.float64), np.asarray(second, np.float64)
    unbiased = WINDOW**2 / (WINDOW**2 - 1)
    mean_x, mean_y = _window_mean(x), _window_mean(y)
    var_x = unbiased * (_window_mean(x * x) - mean_x * mean_x)
    var_y = unbiased * (_window_mean(y * y) - mean_y * mean_y)
    cov = unbiased * (_window_mean(x * y) - mean_x * mean_y)
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    structure = (2 * cov + c2) / (var_x + var_y + c2)
    edge = (WINDOW - 1) // 2
    inner = slice(edge, x.shape[1] - edge)
    return (luminance * structure)[:, inner, inner].mean(axis=(1, 2))


def best_ssim(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the similarity of each pair, `second` turned and flipped to match `first`.

    A lesion has no upright; a generator trained on flipped images may give one back flipped.
    Of the eight flips and quarter turns the one with the least squared difference is compared.

    Parameters
    ----------
    first, second : ndarray of uint8, shape (n, s, s), s at least 7

    Returns
    -------
    ndarray of float64, shape (n,)

    Examples
    --------
    >>> image = np.random.default_rng(0).integers(0, 256, (1, 16, 16)).astype(np.uint8)
    >>> best_ssim(image, image[:, ::-1]).tolist()
    [1.0]
    """
    parts = [np.empty(0)]
    for start in range(0, len(first), _BATCH):
        part = slice(start, start + _BATCH)
        x, y = first[part].astype(np.float32), second[part].astype(np.float32)
        turned = [np.rot90(side, turns, (1, 2)) for side in (y, y[:, ::-1]) for turns in range(4)]
        # Turning leaves the norms alone, so the largest inner product is the least difference.
        match = np.stack([np.einsum("nij,nij->n", x, each) for each in turned])
        chosen = np.stack([turned[which][row] for row, which in enumerate(match.argmax(axis=0))])
        parts.append(ssim(x, chosen))
    return np.concatenate(parts)


def _window_mean(values: np.ndarray) -> np.ndarray:
    return uniform_filter(values, WINDOW, axes=(1, 2))
