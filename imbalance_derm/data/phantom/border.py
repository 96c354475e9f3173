"""The outline of a lesion: how lopsided and how ragged it is, and how wide."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from imbalance_derm.data.phantom.fields import noise

_LOW = np.array([3, 5])
_HIGH = np.arange(7, 19)


@dataclass(frozen=True, slots=True)
class Outline:
    """A closed curve around the origin, as radius over angle, with its folds.

    Attributes
    ----------
    radius : float
        Mean radius; 1 is half the field of view.
    orders, amplitudes, phases : ndarray of float
        Harmonics of the radius.
    folds : float
        Strength of the noise that distorts the plane before the radius is taken.
    fold_seed : int
    """

    radius: float
    orders: np.ndarray
    amplitudes: np.ndarray
    phases: np.ndarray
    folds: float
    fold_seed: int


def draw_outline(
    rng: np.random.Generator, asymmetry: float, border: float, diameter: float
) -> Outline:
    """Draw an outline.

    Parameters
    ----------
    rng : Generator
    asymmetry, border, diameter : float, in [0, 1]
        Every lesion is somewhat oval; only `asymmetry` takes its second axis of symmetry away.
    """
    oval = np.array([rng.uniform(0.02, 0.14)])
    low = (0.01 + 0.17 * asymmetry) * rng.uniform(0.6, 1.0, len(_LOW)) * [1.0, 0.6]
    high = (0.003 + 0.026 * border) * rng.uniform(0.3, 1.0, len(_HIGH)) * (8 / _HIGH) ** 0.5
    orders = np.concatenate([[2], _LOW, _HIGH]).astype(float)
    return Outline(
        radius=0.36 + 0.34 * diameter,
        orders=orders,
        amplitudes=np.concatenate([oval, low, high]),
        phases=rng.uniform(0, 2 * np.pi, len(orders)),
        folds=0.01 + 0.035 * asymmetry + 0.035 * border,
        fold_seed=int(rng.integers(2**31)),
    )


def depth(outline: Outline, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Return how deep the points (u, v) lie: 1 at the middle, 0 on the outline, below outside."""
    rng = np.random.default_rng(outline.fold_seed)
    x = u + outline.folds * noise(rng, u, v, 7)
    y = v + outline.folds * noise(rng, u, v, 7)
    angle = np.arctan2(y, x)
    # Radius over angle from a fine table: one interpolation in place of fifteen cosines.
    table_angle = np.linspace(-np.pi, np.pi, 721)
    waves = np.cos(outline.orders[:, None] * table_angle + outline.phases[:, None])
    table = outline.radius * np.maximum(1 + outline.amplitudes @ waves, 0.2)
    return 1 - np.hypot(x, y) / np.interp(angle, table_angle, table)
