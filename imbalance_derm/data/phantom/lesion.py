"""What a lesion is made of: pigment, network, globules, blood, veil, and its regressed parts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from imbalance_derm.data.phantom.border import Outline, depth, draw_outline
from imbalance_derm.data.phantom.fields import noise, ramp, squash
from imbalance_derm.data.phantom.profiles import CRITERIA, class_mean

VEIL = np.array([0.47, 0.53, 0.64], dtype=np.float32)
"""Colour of the blue-white veil, RGB."""


@dataclass(frozen=True, slots=True)
class Traits:
    """The criteria of one lesion, each in [0, 1], and its outline."""

    criteria: dict[str, float]
    outline: Outline


@dataclass(frozen=True, slots=True)
class Pigment:
    """What a lesion adds to the skin at each pixel, float of shape (h, w) each.

    Attributes
    ----------
    melanin, blood : ndarray
        Optical densities, to be added.
    veil : ndarray
        Share of the colour that the blue-white veil takes, in [0, 1].
    """

    melanin: np.ndarray
    blood: np.ndarray
    veil: np.ndarray


def draw_traits(rng: np.random.Generator, label: str, separation: float) -> Traits:
    """Draw a lesion of a class: normal criteria around the class mean, squashed to [0, 1]."""
    z = class_mean(label, separation) + rng.standard_normal(len(CRITERIA))
    criteria = {name: squash(value) for name, value in zip(CRITERIA, z, strict=True)}
    outline = draw_outline(rng, criteria["asymmetry"], criteria["border"], criteria["diameter"])
    return Traits(criteria, outline)


def paint(rng: np.random.Generator, traits: Traits, u: np.ndarray, v: np.ndarray) -> Pigment:
    """Return the pigment of a lesion at the points (u, v)."""
    c = traits.criteria
    deep = depth(traits.outline, u, v)
    # A regular border fades all around; an irregular one is cut off sharply in some segments.
    sharp = ramp(noise(rng, u, v, 3), 0.9 - 1.6 * c["border"], 1.9 - 1.6 * c["border"])
    inside = ramp(deep, -0.10 + 0.06 * sharp, 0.22 - 0.17 * sharp)

    patches = noise(rng, u, v, 4) + 0.6 * noise(rng, u, v, 9)
    mottle = 0.09 * noise(rng, u, v, 26)
    # Asymmetry of colour: the pigment thickens towards one side.
    side = rng.uniform(0, 2 * np.pi)
    slope = (u * np.cos(side) + v * np.sin(side)) / traits.outline.radius
    base = 0.45 + 0.6 * c["darkness"] + 0.25 * rng.random()
    variegation = 0.05 + 0.42 * c["colour"]
    relief = 1 + mottle + variegation * patches + (0.08 + 0.4 * c["asymmetry"]) * slope
    melanin = base * np.clip(relief, 0.12, 2.6)
    melanin += _network(rng, c, u, v) * ramp(deep, 0.0, 0.2)

    regressed = ramp(noise(rng, u, v, 5), 2.3 - 1.3 * c["colour"], 2.9 - 1.3 * c["colour"])
    melanin *= 1 - 0.75 * regressed
    melanin = melanin * inside + _globules(rng, c, traits.outline, u, v) * ramp(deep, -0.05, 0.08)

    red = 0.5 * c["colour"] * np.maximum(noise(rng, u, v, 4) - 0.4, 0)
    blood = inside * (0.02 + 1.3 * c["redness"] ** 3 + red)
    veiled = ramp(noise(rng, u, v, 4) + 0.8 * deep, 2.4 - 2.0 * c["veil"], 4.2 - 2.0 * c["veil"])
    return Pigment(melanin, blood, 0.75 * veiled * ramp(deep, 0.05, 0.4))


def _network(
    rng: np.random.Generator, c: dict[str, float], u: np.ndarray, v: np.ndarray
) -> np.ndarray:
    """Draw a honeycomb of pigmented lines: three plane waves 60 degrees apart, bent."""
    period = rng.uniform(0.10, 0.13) * (1 + 0.25 * c["network"])
    bend = 0.012 + 0.05 * c["asymmetry"] * period / 0.15
    x = u + bend * noise(rng, u, v, 7)
    y = v + bend * noise(rng, u, v, 7)
    turn = rng.uniform(0, np.pi) + np.array([0, 1, 2]) * (np.pi / 3)
    waves = sum(
        np.cos((2 * np.pi / period) * (x * np.cos(t) + y * np.sin(t))) for t in turn
    )  # from -1.5 between the meshes' middles to 3 in a middle
    lines = ramp(-np.asarray(waves), -0.9, 1.3)
    patchy = np.clip(0.75 + 0.5 * noise(rng, u, v, 4), 0, 1.4)
    return (0.55 * c["network"]) * lines * patchy


def _globules(
    rng: np.random.Generator,
    c: dict[str, float],
    outline: Outline,
    u: np.ndarray,
    v: np.ndarray,
) -> np.ndarray:
    """Draw dark round dots, of unlike size and place."""
    count = rng.poisson(1 + 16 * c["globules"])
    total = np.zeros_like(u)
    if count == 0:
        return total
    angle = rng.uniform(0, 2 * np.pi, count)
    radius = outline.radius * np.sqrt(rng.uniform(0, 0.9, count))
    width = rng.uniform(0.018, 0.026 + 0.03 * c["globules"], count)
    weight = rng.uniform(0.3, 0.9, count)
    for a, r, w, strength in zip(angle, radius, width, weight, strict=True):
        far = ((u - r * np.cos(a)) ** 2 + (v - r * np.sin(a)) ** 2) / w**2
        total += strength * np.exp(-np.minimum(far, 30.0))
    return total
