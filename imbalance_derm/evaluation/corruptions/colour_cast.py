"""Another lamp or white balance."""

from __future__ import annotations

import numpy as np

from imbalance_derm.evaluation.corruptions.contract import at_severity, each_image

STRENGTH = (0.06, 0.12, 0.18, 0.24, 0.30)
"""Root of the summed squares of the channels' log gains."""
_WARM = np.array([1.0, 0.0, -1.0]) / np.sqrt(2)
_GREEN = np.array([-1.0, 2.0, -1.0]) / np.sqrt(6)
_TINT = 0.3
"""At most this part of a cast is green or magenta: lamps differ from warm to cool."""


def colour_cast(images: np.ndarray, severity: int, seed: int) -> np.ndarray:
    """Multiply the channels by gains whose product is 1: each image turns warmer or cooler.

    ``gain = exp(strength * d)`` with a unit vector ``d`` whose entries add up to 0, so that the
    colour changes and the brightness hardly does. It is drawn near the axis from red to blue:
    no lamp makes skin green.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, h, w, 3)
    severity : int
        From 1 to 5; an image keeps its direction at all severities.
    seed : int

    Notes
    -----
    The idea of corruptions at five severities is ImageNet-C's, which has no colour cast; the
    strengths are this project's.

    References
    ----------
    Hendrycks and Dietterich 2019, "Benchmarking Neural Network Robustness to Common Corruptions
    and Perturbations", arXiv 1903.12261. Colours that change with the dermatoscope: Barata,
    Celebi and Marques 2015, "Improving Dermoscopy Image Classification Using Color Constancy",
    IEEE Journal of Biomedical and Health Informatics 19:1146.

    Examples
    --------
    >>> colour_cast(np.full((1, 1, 1, 3), 100, np.uint8), 5, seed=0)[0, 0, 0].tolist()
    [122, 102, 80]
    """
    strength = at_severity(STRENGTH, severity)

    def cast(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        tint = rng.uniform(-_TINT, _TINT)
        warmth = rng.choice((-1, 1)) * np.sqrt(1 - tint**2)
        direction = warmth * _WARM + tint * _GREEN
        return image * np.exp(strength * direction).astype(np.float32)

    return each_image(images, seed, cast)
