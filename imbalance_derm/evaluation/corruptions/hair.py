"""Hairs before the lesion."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from imbalance_derm.evaluation.corruptions.contract import at_severity, each_image

HAIRS = (4, 9, 16, 26, 40)
"""Number of hairs: from a few strays to a scalp."""
_COLOUR = np.array([33, 23, 18], dtype=np.float32)
"""Dark brown: fair hairs hide little."""
_FINE = 4
"""Pixels are drawn this many times finer, for smooth edges."""


def hair(images: np.ndarray, severity: int, seed: int) -> np.ndarray:
    """Draw dark curved hairs that run more or less alike; more of them at a higher severity.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, h, w, 3)
    severity : int
        From 1 to 5; the hairs of a lower severity stay where they are.
    seed : int

    Notes
    -----
    The idea of corruptions at five severities is ImageNet-C's, which has no hairs; their number
    and look are this project's. They are not the phantom's own, so that a model that was trained
    on phantoms has not seen their like.

    References
    ----------
    Hendrycks and Dietterich 2019, "Benchmarking Neural Network Robustness to Common Corruptions
    and Perturbations", arXiv 1903.12261. Hairs as an obstacle: Lee et al. 1997, "DullRazor: A
    software approach to hair removal from images", Computers in Biology and Medicine 27:533.

    Examples
    --------
    >>> images = np.full((1, 64, 64, 3), 200, np.uint8)
    >>> mild, severe = hair(images, 1, seed=0), hair(images, 5, seed=0)
    >>> bool((mild < 200).any()), bool((severe <= mild).all())
    (True, True)
    """
    count = at_severity(HAIRS, severity)

    def hairy(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        cover = _cover(rng, count, *image.shape[:2])[..., None]
        return image + cover * (_COLOUR - image)

    return each_image(images, seed, hairy)


def _cover(rng: np.random.Generator, count: int, height: int, width: int) -> np.ndarray:
    """Return how much of each pixel is covered, float32 (height, width)."""
    strength = np.float32(rng.uniform(0.7, 0.95))
    along = rng.uniform(0, np.pi)
    drawing = Image.new("L", (_FINE * width, _FINE * height))
    side = _FINE * min(height, width)
    pen = ImageDraw.Draw(drawing)
    for _ in range(count):
        middle = rng.uniform(0, 1, 2) * drawing.size
        angle = along + rng.normal(0, 0.35)
        half, bow = side * rng.uniform(0.2, 0.6), rng.normal(0, 0.2)
        thick = max(1, round(side * rng.uniform(0.006, 0.013)))
        pen.line(_arc(middle, angle, half, bow * half), fill=255, width=thick, joint="curve")
    return strength * np.asarray(drawing.reduce(_FINE), dtype=np.float32) / 255


def _arc(middle: np.ndarray, angle: float, half: float, bow: float) -> list[tuple[float, float]]:
    """Return points of a parabola of length about ``2 * half`` whose ends stray by `bow`."""
    t = np.linspace(-1, 1, 24)
    forward = np.array([np.cos(angle), np.sin(angle)])
    sideways = np.array([-forward[1], forward[0]])
    points = middle + half * t[:, None] * forward + bow * t[:, None] ** 2 * sideways
    return [(float(x), float(y)) for x, y in points]
