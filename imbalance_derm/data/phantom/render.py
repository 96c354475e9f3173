"""From a shot to its pixels and its lesion mask."""

from __future__ import annotations

import numpy as np

from imbalance_derm.data.phantom import artefacts
from imbalance_derm.data.phantom.border import depth
from imbalance_derm.data.phantom.lesion import VEIL, draw_traits, paint
from imbalance_derm.data.phantom.profiles import SITES
from imbalance_derm.data.phantom.shot import Shot
from imbalance_derm.data.phantom.skin import draw_tone, reflect, skin_density

_HAIR = np.array([0.13, 0.09, 0.07], dtype=np.float32)
_INK = np.array([0.10, 0.10, 0.12], dtype=np.float32)
_SENSOR_NOISE = 0.012


def render(shot: Shot) -> np.ndarray:
    """Paint a photograph, uint8 of shape (resolution, resolution, 3), RGB.

    Examples
    --------
    >>> render(Shot(0, 7, 3, 0, "benign", "back", 2.0, 64)).shape
    (64, 64, 3)
    """
    of_lesion, of_view = shot.lesion_random(), shot.view_random()
    x, y = _plane(shot.resolution)
    u, v = _on_skin(of_view, x, y)
    site = SITES[shot.site]
    traits = draw_traits(of_lesion, shot.label, shot.separation)
    pigment = paint(of_lesion, traits, u, v)
    melanin, blood = skin_density(of_lesion, draw_tone(shot.patient_random()), site, u, v)
    colour = reflect(melanin + pigment.melanin, blood + pigment.blood)
    colour = _cover(colour, pigment.veil, VEIL)
    colour = _cover(colour, artefacts.hairs(of_lesion, site.hairs, u, v), _HAIR)
    colour = _cover(colour, artefacts.ruler(of_view, x, y), _INK)
    colour = colour + artefacts.bubbles(of_view, x, y)[..., None]
    colour = colour * artefacts.light(of_view, x, y)
    colour = colour + _SENSOR_NOISE * of_view.standard_normal(colour.shape, dtype=np.float32)
    return (np.clip(colour, 0, 1) * 255 + 0.5).astype(np.uint8)


def lesion_mask(shot: Shot) -> np.ndarray:
    """Return where the lesion is on the photograph, bool of shape (resolution, resolution)."""
    u, v = _on_skin(shot.view_random(), *_plane(shot.resolution))
    traits = draw_traits(shot.lesion_random(), shot.label, shot.separation)
    return depth(traits.outline, u, v) > 0


def _plane(resolution: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixel centres from -1 to 1, as x to the right and y down."""
    axis = (np.arange(resolution, dtype=np.float32) + 0.5) * (2 / resolution) - 1
    x, y = np.meshgrid(axis, axis)
    return x, y


def _on_skin(
    rng: np.random.Generator, x: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Where on the skin the pixels look: each photograph is turned, moved and scaled anew."""
    turn = rng.uniform(0, 2 * np.pi)
    scale = rng.uniform(0.9, 1.12)
    dx, dy = rng.normal(0, 0.06, 2)
    cos, sin = scale * np.cos(turn), scale * np.sin(turn)
    u = (cos * (x - dx) - sin * (y - dy)).astype(np.float32)
    v = (sin * (x - dx) + cos * (y - dy)).astype(np.float32)
    return u, v


def _cover(colour: np.ndarray, share: np.ndarray, paint_colour: np.ndarray) -> np.ndarray:
    return colour + share[..., None] * (paint_colour - colour)
