"""A photograph out of focus."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from imbalance_derm.evaluation.corruptions.contract import at_severity, each_image

SIGMA = (0.008, 0.012, 0.017, 0.022, 0.028)
"""Standard deviation of the Gaussian as a share of the image's shorter side."""


def blur(images: np.ndarray, severity: int, seed: int) -> np.ndarray:
    """Convolve with a Gaussian whose width is a share of the image's side.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, h, w, 3)
    severity : int
        From 1 to 5.
    seed : int
        Nothing is drawn.

    Notes
    -----
    ImageNet-C has 1 to 6 pixels of 224 (0.4 to 2.7 %) and CIFAR-10-C 0.4 to 1 pixels of 32 (1.3
    to 3.1 %). Here the width scales with the side, so that the same detail of the lesion is lost
    at every resolution, and starts where it can be seen at 48 pixels.

    References
    ----------
    Hendrycks and Dietterich 2019, "Benchmarking Neural Network Robustness to Common Corruptions
    and Perturbations", arXiv 1903.12261.

    Examples
    --------
    >>> images = np.zeros((1, 64, 64, 3), np.uint8)
    >>> images[:, 32:] = 200
    >>> blur(images, 3, seed=0)[0, [0, 31, 32, 63], 0, 0].tolist()
    [0, 63, 137, 200]
    """
    sigma = at_severity(SIGMA, severity) * min(images.shape[1:3])

    def softer(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return gaussian_filter(image.astype(np.float32), (sigma, sigma, 0), mode="nearest")

    return each_image(images, seed, softer)
