"""Lossy compression."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image

from imbalance_derm.evaluation.corruptions.contract import at_severity, each_image

QUALITY = (25, 18, 15, 10, 7)
"""As in ImageNet-C."""


def jpeg(images: np.ndarray, severity: int, seed: int) -> np.ndarray:
    """Write each image as a JPEG of low quality and read it again.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, h, w, 3)
    severity : int
        From 1 to 5.
    seed : int
        Nothing is drawn.

    Notes
    -----
    The blocks have 8 pixels a side at every resolution: a small image suffers more.

    References
    ----------
    Hendrycks and Dietterich 2019, "Benchmarking Neural Network Robustness to Common Corruptions
    and Perturbations", arXiv 1903.12261; values of the authors' code.

    Examples
    --------
    >>> jpeg(np.full((1, 16, 16, 3), 128, np.uint8), 5, seed=0)[0, 0, 0].tolist()
    [128, 128, 128]
    """
    quality = at_severity(QUALITY, severity)

    def compressed(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        file = BytesIO()
        Image.fromarray(np.ascontiguousarray(image)).save(file, "JPEG", quality=quality)
        with Image.open(file) as opened:
            return np.asarray(opened)

    return each_image(images, seed, compressed)
