"""Over-exposure."""

from __future__ import annotations

import numpy as np

from imbalance_derm.evaluation.corruptions.contract import at_severity, each_image

ADDED = (0.1, 0.2, 0.3, 0.4, 0.5)
"""Share of the full scale that is added; as in ImageNet-C."""


def brightness(images: np.ndarray, severity: int, seed: int) -> np.ndarray:
    """Add a constant to all channels; what passes the full scale is lost.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, h, w, 3)
    severity : int
        From 1 to 5.
    seed : int
        Nothing is drawn.

    Notes
    -----
    ImageNet-C adds the same to the value of HSV at constant hue and saturation, which turns the
    sensor noise in the black rim of a dermatoscope's tube into coloured speckle. Added to all
    channels, the value of each pixel rises by as much and dark pixels stay colourless.

    References
    ----------
    Hendrycks and Dietterich 2019, "Benchmarking Neural Network Robustness to Common Corruptions
    and Perturbations", arXiv 1903.12261; values of the authors' code.

    Examples
    --------
    >>> brightness(np.full((1, 1, 1, 3), (220, 100, 50), np.uint8), 2, seed=0)[0, 0, 0].tolist()
    [255, 151, 101]
    """
    added = np.float32(255 * at_severity(ADDED, severity))

    def brighter(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return image + added

    return each_image(images, seed, brighter)
