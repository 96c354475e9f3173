"""Corruptions: their contract on phantoms, and each against an independent computation."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.fft import dctn

from imbalance_derm.data.phantom.render import render
from imbalance_derm.data.phantom.shot import Shot
from imbalance_derm.errors import InputError
from imbalance_derm.evaluation.corruptions.blur import blur
from imbalance_derm.evaluation.corruptions.brightness import brightness
from imbalance_derm.evaluation.corruptions.colour_cast import colour_cast
from imbalance_derm.evaluation.corruptions.hair import hair
from imbalance_derm.evaluation.corruptions.jpeg import jpeg
from imbalance_derm.evaluation.corruptions.table import CORRUPTIONS, SEVERITIES

NAMES = sorted(CORRUPTIONS)
DRAWN = ("colour_cast", "hair")


def phantoms(n: int, size: int) -> np.ndarray:
    labels, sites = ("benign", "malignant"), ("back", "face", "scalp")
    shots = [Shot(5, i, i, 0, labels[i % 2], sites[i % 3], 2.0, size) for i in range(n)]
    images = np.stack([render(shot) for shot in shots])
    images.flags.writeable = False  # as a memory map of the data store
    return images


SMALL, LARGE = phantoms(6, 48), phantoms(6, 128)


def flat(colour: tuple[int, int, int], n: int = 1, size: int = 32) -> np.ndarray:
    return np.full((n, size, size, 3), colour, np.uint8)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("images", [SMALL, LARGE, LARGE[:, :96]], ids=["48", "128", "oblong"])
def test_the_change_grows_with_the_severity(name, images):
    changes = []
    for severity in SEVERITIES:
        spoiled = CORRUPTIONS[name](images, severity, 3)
        assert spoiled.shape == images.shape
        assert spoiled.dtype == np.uint8
        changes.append(np.abs(spoiled.astype(int) - images).mean(axis=(1, 2, 3)))
    assert (np.diff(np.mean(changes, axis=1)) > 0).all()
    assert (np.stack(changes) > 0).all()  # no image is spared


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("severity", [1, 5])
def test_a_row_depends_on_the_seed_its_place_and_itself(name, severity):
    corrupt = CORRUPTIONS[name]
    whole = corrupt(SMALL, severity, 3)
    assert np.array_equal(whole, corrupt(SMALL, severity, 3))
    assert np.array_equal(whole[:4], corrupt(SMALL[:4], severity, 3))
    others = SMALL.copy()
    others[[0, 1, 3, 4, 5]] = 255 - others[[0, 1, 3, 4, 5]]
    assert np.array_equal(whole[2], corrupt(others, severity, 3)[2])
    assert corrupt(SMALL[:0], severity, 3).shape == (0, 48, 48, 3)


@pytest.mark.parametrize("name", NAMES)
def test_only_what_is_drawn_differs_between_seeds_and_rows(name):
    same = np.repeat(SMALL[:1], 4, axis=0)
    spoiled = CORRUPTIONS[name](same, 3, 0)
    rows = len({row.tobytes() for row in spoiled})
    assert rows == (4 if name in DRAWN else 1)
    assert np.array_equal(spoiled, CORRUPTIONS[name](same, 3, 1)) == (name not in DRAWN)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("severity", [0, 6, -1])
def test_severities_go_from_1_to_5(name, severity):
    with pytest.raises(InputError, match=f"no severity {severity}; use a whole number from 1 to 5"):
        CORRUPTIONS[name](SMALL, severity, 0)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_brightness_raises_the_value_of_hsv_as_in_imagenet_c(severity):
    spoiled = brightness(LARGE, severity, 0)
    for before, after in zip(LARGE[0, ::16, ::16], spoiled[0, ::16, ::16], strict=True):
        for one, other in zip(before.tolist(), after.tolist(), strict=True):
            expected = min(max(one) / 255 + 0.1 * severity, 1.0)
            assert max(other) / 255 == pytest.approx(expected, abs=0.5001 / 255)
    grey = brightness(flat((7, 7, 7)), severity, 0)
    assert (grey == grey[..., :1]).all()


@pytest.mark.parametrize(
    ("severity", "share"), [(1, 0.008), (2, 0.012), (3, 0.017), (4, 0.022), (5, 0.028)]
)
@pytest.mark.parametrize("size", [48, 129])
def test_blur_spreads_a_point_as_a_gaussian(severity, share, size):
    images, middle = np.zeros((1, size, size, 3), np.uint8), size // 2
    images[0, middle, middle] = 255
    away = np.arange(size) - middle
    weights = np.exp(-(away**2) / (2 * (share * size) ** 2))
    weights /= weights.sum()
    expected = 255 * np.outer(weights, weights)
    spoiled = blur(images, severity, 0)[0]
    assert np.abs(spoiled - expected[..., None]).max() < 0.51
    plain = flat((201, 150, 133), size=size)
    assert np.array_equal(blur(plain, severity, 0), plain)  # edges do not darken


@pytest.mark.parametrize(("severity", "quality"), [(1, 25), (2, 18), (3, 15), (4, 10), (5, 7)])
def test_jpeg_leaves_multiples_of_the_quantisation_steps(severity, quality):
    # The first row of table K.1 of ITU-T T.81, scaled as the IJG's library does for a quality.
    row = np.array([16, 11, 10, 16, 24, 40, 51, 61])
    steps = np.clip((row * (5000 // quality) + 50) // 100, 1, 255)
    grey = 128 + np.random.default_rng(0).normal(0, 25, (1, 64, 64, 1))
    images = np.repeat(np.clip(grey, 60, 200).astype(np.uint8), 3, axis=3)
    spoiled = jpeg(images, severity, 0)[0, ..., 0].astype(float)
    inside = 0
    for top in range(0, 64, 8):
        for left in range(0, 64, 8):
            block = spoiled[top : top + 8, left : left + 8]
            if block.min() == 0 or block.max() == 255:
                continue  # clipped
            waves = dctn(block - 128, norm="ortho")[0] / steps
            # Rounding 64 pixels to whole greys moves a wave by 0.5 * sqrt(64) at most.
            assert (np.abs(waves - np.rint(waves)) * steps <= 4).all()
            inside += 1
    assert inside > 20


def test_hairs_are_dark_thin_and_stay_as_more_grow():
    images = flat((210, 170, 150), n=8, size=128)
    spoiled = [hair(images, severity, 0) for severity in SEVERITIES]
    for fewer, more in pairwise([images, *spoiled]):
        assert (more <= fewer).all()
    covered = [(each < images).any(axis=3).mean(axis=(1, 2)) for each in spoiled]
    assert (covered[0] > 0.002).all()
    assert (covered[0] < 0.15).all()
    assert (covered[4] < 0.8).all()
    assert spoiled[4].min() < 80
    # A hair hides less where the picture is as dark as itself.
    assert np.abs(hair(flat((33, 23, 18)), 5, 0).astype(int) - (33, 23, 18)).max() == 0


@pytest.mark.parametrize(
    ("severity", "strength"), [(1, 0.06), (2, 0.12), (3, 0.18), (4, 0.24), (5, 0.3)]
)
def test_a_colour_cast_multiplies_the_channels_by_gains_of_product_1(severity, strength):
    images = flat((150, 150, 150), n=200, size=2)
    logs = np.log(colour_cast(images, severity, 0)[:, 0, 0] / 150)
    assert np.abs(logs.sum(axis=1)).max() < 3 * 0.5 / 100
    lengths = np.linalg.norm(logs, axis=1)
    assert np.abs(lengths - strength).max() < 0.01
    warm = logs[:, 0] > logs[:, 2]
    assert 0.3 < warm.mean() < 0.7
    # Green changes less than red and blue do: lamps differ from warm to cool.
    assert (np.abs(logs[:, 1]) < np.abs(logs[:, [0, 2]]).max(axis=1)).all()
    half = flat((60, 150, 90), n=200, size=2)
    expected = np.clip(half[:, 0, 0] * np.exp(logs), 0, 255)
    assert np.abs(colour_cast(half, severity, 0)[:, 0, 0] - expected).max() < 1.1


def test_an_image_keeps_the_direction_of_its_cast():
    images = flat((120, 120, 120), n=20, size=1)
    shifts = [colour_cast(images, s, 0)[:, 0, 0].astype(int) - 120 for s in SEVERITIES]
    for milder, stronger in pairwise(shifts):
        assert (np.abs(stronger) >= np.abs(milder)).all()
        assert (np.sign(stronger) * np.sign(milder) >= 0).all()
