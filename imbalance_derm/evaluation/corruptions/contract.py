"""What a corruption is: a function from images, a severity and a seed to spoiled images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from imbalance_derm.errors import InputError

Corruption = Callable[[np.ndarray, int, int], np.ndarray]
"""``corrupt(images, severity, seed)``: images, uint8 (n, h, w, 3), give new ones of that shape.

The draws for an image are a function of the seed and of its row: they do not depend on what the
other rows hold or on how many there are. A higher severity goes further along the same draws.
"""

SEVERITIES = (1, 2, 3, 4, 5)
"""From mild to severe."""

Value = TypeVar("Value")


def at_severity(values: Sequence[Value], severity: int) -> Value:
    """Return the value of a table that has one for each severity.

    Raises
    ------
    InputError
        There is no such severity.

    Examples
    --------
    >>> at_severity((0.1, 0.2, 0.3, 0.4, 0.5), 2)
    0.2
    """
    if severity not in SEVERITIES:
        raise InputError(f"a corruption has no severity {severity}; use a whole number from 1 to 5")
    return values[severity - 1]


def each_image(
    images: np.ndarray, seed: int, alter: Callable[[np.ndarray, np.random.Generator], np.ndarray]
) -> np.ndarray:
    """Return all images altered one by one, rounded and clipped to uint8.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, h, w, 3)
        Not changed.
    seed : int
    alter : callable
        ``alter(image, rng)`` gives one image on the scale from 0 to 255, shape (h, w, 3).
    """
    altered = np.empty(images.shape, np.uint8)
    for row, image in enumerate(images):
        values = alter(image, np.random.default_rng((seed, row)))
        altered[row] = np.rint(np.clip(values, 0, 255))
    return altered
