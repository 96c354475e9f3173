"""What betrays a generator in the pixels: its spectrum and its colours."""

from __future__ import annotations

import numpy as np

_BATCH = 64


def pixel_evidence(images: np.ndarray) -> np.ndarray:
    """Return the log radial power spectrum and the colour moments of each image.

    Generators that upsample leave too little or too regular power at high frequencies; noise and
    interpolation change it as well. The spectrum is of the grey image under a Hann window, in
    rings one frequency wide up to the corner of the spectrum. The moments are mean, standard
    deviation and skewness of each channel, and the three correlations between channels.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, s, s, 3)

    Returns
    -------
    ndarray of float64, shape (n, rings + 12)

    Notes
    -----
    Durall et al. 2020, "Watch your Up-Convolution", arXiv 2003.01826, section 3.

    Examples
    --------
    >>> pixel_evidence(np.zeros((2, 16, 16, 3), np.uint8)).shape
    (2, 24)
    """
    size = images.shape[1]
    along = np.fft.fftfreq(size) * size
    ring = np.rint(np.hypot(along[:, None], along)).astype(np.int64).ravel()
    pixels = np.bincount(ring)
    window = np.outer(np.hanning(size), np.hanning(size))
    found = [np.empty((0, len(pixels) + 12))]
    for start in range(0, len(images), _BATCH):
        colour = np.asarray(images[start : start + _BATCH], np.float64) / 255
        grey = colour.mean(axis=3)
        grey = (grey - grey.mean(axis=(1, 2), keepdims=True)) * window
        power = np.abs(np.fft.fft2(grey)) ** 2
        rings = np.stack([np.bincount(ring, each.ravel()) for each in power]) / pixels
        # A flat image has no power; the offset is far below one grey level of noise.
        found.append(np.hstack([np.log(rings + 1e-8), _moments(colour)]))
    return np.concatenate(found)


def _moments(colour: np.ndarray) -> np.ndarray:
    flat = np.ascontiguousarray(colour.reshape(len(colour), -1, 3).transpose(0, 2, 1))
    mean = flat.mean(axis=2)
    flat -= mean[..., None]
    covariance = flat @ flat.transpose(0, 2, 1) / flat.shape[2]
    deviation = np.sqrt(np.einsum("ncc->nc", covariance))
    scale = np.maximum(deviation, 1e-6)
    skewness = np.einsum("ncp,ncp->nc", flat * flat, flat) / flat.shape[2] / scale**3
    related = [covariance[:, a, b] / scale[:, a] / scale[:, b] for a, b in ((0, 1), (0, 2), (1, 2))]
    return np.hstack([mean, deviation, skewness, np.stack(related, axis=1)])
