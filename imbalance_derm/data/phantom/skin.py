"""The skin around a lesion, and the optics by which pigment and blood colour it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from imbalance_derm.data.phantom.fields import noise
from imbalance_derm.data.phantom.profiles import Site

BARE = np.array([0.97, 0.86, 0.79], dtype=np.float32)
"""Reflectance of skin without pigment and blood, RGB."""
MELANIN = np.array([0.56, 1.00, 1.42], dtype=np.float32)
"""Absorption per unit of melanin density, RGB: it grows towards blue."""
BLOOD = np.array([0.16, 0.92, 0.72], dtype=np.float32)
"""Absorption per unit of blood density, RGB: most in green."""


@dataclass(frozen=True, slots=True)
class Tone:
    """Melanin and blood density of a patient's skin."""

    melanin: float
    blood: float


def draw_tone(rng: np.random.Generator) -> Tone:
    """Draw a patient's skin tone; fair skin is the rule, as in the public data sets."""
    return Tone(melanin=0.03 + 0.45 * rng.beta(1.4, 4.0), blood=rng.uniform(0.05, 0.25))


def skin_density(
    rng: np.random.Generator, tone: Tone, site: Site, u: np.ndarray, v: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return melanin and blood density of healthy skin, float of the shape of `u` each."""
    furrows = site.grain * (0.020 * noise(rng, u, v, 38) + 0.014 * noise(rng, u * 0.35, v, 52))
    melanin = max(tone.melanin + site.melanin, 0.01) * (1 + 0.16 * noise(rng, u, v, 5)) + furrows
    blood = max(tone.blood + site.blood, 0.0) * (1 + 0.25 * noise(rng, u, v, 4))
    return np.maximum(melanin, 0), np.maximum(blood, 0)


def reflect(melanin: np.ndarray, blood: np.ndarray) -> np.ndarray:
    """Return the colour under white light, float in [0, 1], shape (h, w, 3) (Beer-Lambert)."""
    return BARE * np.exp(-melanin[..., None] * MELANIN - blood[..., None] * BLOOD)
