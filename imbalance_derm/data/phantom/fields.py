"""Smooth random fields and ramps: the brushes with which everything else is painted."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.ndimage import map_coordinates

_FINE = 64


def noise(rng: np.random.Generator, u: np.ndarray, v: np.ndarray, cells: int) -> np.ndarray:
    """Return smooth noise of about zero mean and unit variance at the points (u, v).

    Parameters
    ----------
    rng : Generator
    u, v : ndarray of float
        The square from -1 to 1 is divided into `cells` by `cells`; outside, it repeats.
    cells : int
        More cells, finer noise.
    """
    knots = rng.standard_normal((cells, cells), dtype=np.float32)
    basis = _basis(cells)
    # A cubic spline on a fine grid, then bilinear: a third of the time of a cubic look-up.
    fine = basis @ knots @ basis.T
    scale = len(fine) / 2
    points = np.stack([(v + 1) * scale, (u + 1) * scale])
    return map_coordinates(fine, points, output=np.float32, order=1, mode="grid-wrap")


@cache
def _basis(cells: int) -> np.ndarray:
    """Cubic B-splines on a circle of `cells` knots, float32 of shape (fine, cells).

    Scaled so that the field, their product over both axes, has unit variance.
    """
    fine = cells * max(2, -(-_FINE // cells))
    position = np.arange(fine) * (cells / fine)
    away = position[:, None] - np.arange(cells)
    away = np.abs((away + cells / 2) % cells - cells / 2)
    near = 2 / 3 - away**2 * (1 - away / 2)
    far = np.maximum(2 - away, 0) ** 3 / 6
    basis = np.where(away < 1, near, far)
    return (basis / np.sqrt((basis**2).sum(axis=1).mean())).astype(np.float32)


def ramp(x: np.ndarray, low: float | np.ndarray, high: float | np.ndarray) -> np.ndarray:
    """Rise smoothly from 0 at `low` to 1 at `high`.

    Examples
    --------
    >>> ramp(np.array([0.0, 0.5, 1.0]), 0.0, 1.0)
    array([0. , 0.5, 1. ])
    """
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def squash(z: float) -> float:
    """Map a criterion, a number around 0 to 2, onto 0 to 1."""
    return float(1 / (1 + np.exp(-1.4 * (z - 0.6))))
