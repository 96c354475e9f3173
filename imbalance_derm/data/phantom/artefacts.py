"""What stands between the lesion and the eye: hairs, ruler, light, lens and sensor."""

from __future__ import annotations

import numpy as np

from imbalance_derm.data.phantom.fields import ramp


def hairs(rng: np.random.Generator, expected: float, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Return how much of each pixel a hair covers, in [0, 1]; hairs are arcs of a parabola."""
    cover = np.zeros_like(u)
    # A few patients' hairs are many: a gamma-mixed Poisson count.
    count = rng.poisson(rng.gamma(1.2, expected / 1.2))
    along = rng.uniform(0, np.pi)  # neighbouring hairs run alike
    for _ in range(min(count, 40)):
        angle = along + rng.normal(0, 0.35)
        offset, bow = rng.uniform(-1.2, 1.2), rng.normal(0, 0.25)
        middle, half = rng.uniform(-0.8, 0.8), rng.uniform(0.4, 1.4)
        width, strength = rng.uniform(0.006, 0.014), rng.uniform(0.5, 0.95)
        x = u * np.cos(angle) + v * np.sin(angle)
        y = v * np.cos(angle) - u * np.sin(angle)
        away = np.abs(y - offset - bow * x**2) / np.sqrt(1 + (2 * bow * x) ** 2)
        end = 1 - ramp(np.abs(x - middle), half * 0.85, half)
        cover = np.maximum(cover, strength * end * (1 - ramp(away, width * 0.5, width * 2.2)))
    return cover


def ruler(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return how much of each pixel a ruler's mark covers; most photographs show no ruler."""
    if rng.random() > 0.15:
        return np.zeros_like(x)
    angle = rng.integers(4) * (np.pi / 2) + rng.normal(0, 0.06)
    a = x * np.cos(angle) + y * np.sin(angle)
    b = y * np.cos(angle) - x * np.sin(angle)
    step, edge = rng.uniform(0.12, 0.2), rng.uniform(0.78, 0.92)
    number = np.round(a / step)
    length = np.where(number % 5 == 0, 0.16, 0.08)
    mark = 1 - ramp(np.abs(a - number * step), 0.008, 0.024)
    return 0.85 * mark * ramp(b, edge - length, edge - length + 0.02)


def light(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the illumination, float (h, w, 3): exposure, colour cast, falloff and tube rim."""
    exposure = rng.uniform(0.88, 1.08)
    cast = 1 + rng.normal(0, 0.025, 3).astype(np.float32)
    cx, cy = rng.normal(0, 0.08, 2)
    far = np.hypot(x - cx, y - cy)
    falloff = 1 - rng.uniform(0.05, 0.28) * far**2
    if rng.random() < 0.3:
        # The black rim of the dermatoscope's tube comes into view.
        edge = rng.uniform(1.05, 1.3)
        falloff = falloff * (1 - 0.95 * ramp(far, edge - 0.03, edge + 0.06))
    return exposure * np.maximum(falloff, 0.02)[..., None] * cast


def bubbles(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the brightness that air bubbles in the immersion fluid add, float (h, w)."""
    shine = np.zeros_like(x)
    for _ in range(rng.poisson(0.7)):
        cx, cy = rng.uniform(-1, 1, 2)
        size = rng.uniform(0.03, 0.09)
        far = np.hypot(x - cx, y - cy) / size
        ring = np.exp(-(((far - 1) / 0.22) ** 2))
        glint = np.hypot(x - cx + 0.3 * size, y - cy + 0.3 * size) / (0.3 * size)
        shine += 0.16 * ring + 0.3 * np.exp(-(glint**2))
    return shine
