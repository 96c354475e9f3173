from __future__ import annotations

import colorsys

import numpy as np
import pytest
import torch

from imbalance_derm.synth.augment_strong import AugmentStrong
from imbalance_derm.synth.contract import CHUNK

EXTREME = {"zoom": 0.25, "shear": 15.0, "elastic": 0.02}
NO_COLOUR = {"colour": 0.0, "hue": 0.0}


def _copies(synth, data, count, context, seed=0):
    return np.concatenate([c.samples for c in synth.sample(data, 0, count, seed, context)])


def _one(lesions, image):
    return lesions((1,), size=image.shape[0]).with_samples(image[None])


def _lesion(side=48):
    """A brown lesion off the centre of pink skin."""
    y, x = np.mgrid[:side, :side] / side - 0.5
    inside = ((x - 0.08) / 0.22) ** 2 + (y / 0.13) ** 2 < 1
    return np.where(inside[..., None], (120, 70, 45), (225, 180, 160)).astype(np.uint8)


def _hue(image):
    return 360 * colorsys.rgb_to_hsv(*(image.reshape(-1, 3).mean(0) / 255))[0]


def test_a_copy_depends_on_its_number_alone(lesions, context):
    data = lesions((6, 4))
    many = _copies(AugmentStrong(), data, CHUNK + 20, context, seed=5)
    np.testing.assert_array_equal(_copies(AugmentStrong(), data, 10, context, seed=5), many[:10])


def test_the_generator_of_torch_is_left_as_it_was_and_has_no_say(lesions, context):
    data = lesions((6, 4))
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = _copies(AugmentStrong(), data, 6, context)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    np.testing.assert_array_equal(_copies(AugmentStrong(), data, 6, context), first)


@pytest.mark.parametrize("side", [16, 48, 75])
def test_no_black_comes_in_from_outside(lesions, context, side):
    flat = np.full((side, side, 3), (225, 180, 160), np.uint8)
    copies = _copies(AugmentStrong(**EXTREME, **NO_COLOUR), _one(lesions, flat), 150, context)
    assert np.abs(copies.astype(int) - flat).max() <= 1


def test_the_hue_keeps_to_what_is_allowed(lesions, context):
    image = _lesion()
    # No black and no white: there, and only there, the colour is cut off.
    copies = _copies(AugmentStrong(colour=0.0, hue=0.03), _one(lesions, image), 60, context)
    turns = [(_hue(copy) - _hue(image) + 180) % 360 - 180 for copy in copies]
    # The share of lesion and skin, whose hues differ by 3 degrees, varies as well.
    assert -10.8 - 3 < min(turns) < -6
    assert 6 < max(turns) < 10.8 + 3


def test_the_colour_of_flat_skin_stays_within_the_shares(lesions, context):
    flat = np.full((32, 32, 3), (150, 110, 100), np.uint8)
    copies = _copies(AugmentStrong(colour=0.2, hue=0.0), _one(lesions, flat), 150, context)
    brightness = copies.mean(axis=(1, 2, 3)) / flat.mean()
    assert 0.78 < brightness.min() < 0.85
    assert 1.15 < brightness.max() < 1.22


def test_geometry_is_strong_and_the_lesion_stays_in_the_picture(lesions, context):
    image = _lesion()
    copies = _copies(AugmentStrong(**NO_COLOUR), _one(lesions, image), 100, context)
    brown = (copies[..., 0] < 172).mean(axis=(1, 2))
    real = (image[..., 0] < 172).mean()
    # Zoomed by 0.8 to 1.2, the area by 0.64 to 1.44; the mirrored skin may show a second edge.
    assert 0.5 * real < brown.min() < 0.75 * real
    assert 1.25 * real < brown.max() < 1.7 * real
    changed = np.abs(copies.astype(int) - image).mean(axis=(1, 2, 3))
    assert changed.min() > 1
    assert np.median(changed) > 8


def _centre(copies):
    weight = (copies[..., 0] < 172).astype(float)
    y, x = np.mgrid[: copies.shape[1], : copies.shape[2]]
    total = weight.sum(axis=(1, 2))
    return np.stack([(weight * axis).sum(axis=(1, 2)) / total for axis in (x, y)], axis=1)


def test_the_elastic_displacement_is_as_large_as_it_says(lesions, context):
    # A small spot in the middle is displaced as the field there is: nothing else moves it.
    side, parts = 96, {"zoom": 0.0, "shear": 0.0, **NO_COLOUR}
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    spot = np.where((x**2 + y**2 < 9)[..., None], 40, 220).astype(np.uint8).repeat(3, axis=2)
    data = _one(lesions, spot)
    still = AugmentStrong(elastic=0.0, **parts)
    moving = AugmentStrong(elastic=0.02, **parts)
    # The same seeds turn and move the same way; the elastic part draws as much in both.
    shift = _centre(_copies(moving, data, 120, context)) - _centre(
        _copies(still, data, 120, context)
    )
    assert 0.015 * side < shift.std() < 0.024 * side
