from __future__ import annotations

import colorsys
from collections import Counter

import numpy as np
import pytest

from imbalance_derm.synth.augment import Augment, _paper_hue, alter
from imbalance_derm.synth.quota import resolve_quota


def _skin_image(size=32):
    """A brown lesion on pink skin, with some texture."""
    y, x = np.mgrid[:size, :size] / size - 0.5
    image = np.where((x**2 + y**2 < 0.05)[..., None], (120, 70, 45), (225, 180, 160))
    noise = np.random.default_rng(0).normal(0, 3, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def _hue(image):
    """Hue of the mean colour in degrees."""
    return 360 * colorsys.rgb_to_hsv(*(image.reshape(-1, 3).mean(0) / 255))[0]


def _turn(a, b):
    return (b - a) % 360


@pytest.mark.parametrize(("quota", "copies"), [("x5", 5), ("x10", 10)])
def test_every_training_image_is_copied_equally_often(lesions, context, quota, copies):
    data = lesions((20, 6))
    synth = Augment()
    counts = resolve_quota(quota, data.class_counts, synth.targets(data), data.classes)
    used = Counter(
        origin.sources[0]
        for label, count in counts.items()
        for chunk in synth.sample(data, label, count, 0, context)
        for origin in chunk.provenance
    )
    assert used == dict.fromkeys(data.image_ids, copies)


def test_a_copy_does_not_depend_on_how_many_are_asked_for(lesions, context):
    data = lesions((20, 6))
    few = next(Augment().sample(data, 1, 10, 5, context)).samples
    many = next(Augment().sample(data, 1, 64, 5, context)).samples
    np.testing.assert_array_equal(few, many[:10])


def test_the_paper_turns_the_hue_by_100_to_200_degrees():
    flat = np.broadcast_to(np.array([225, 160, 140], np.float32)[:, None, None] / 255, (3, 4, 4))
    import torch

    x = torch.from_numpy(flat.copy())
    turns = []
    for seed in range(200):
        image = _paper_hue(x, np.random.default_rng(seed)).permute(1, 2, 0).numpy() * 255
        turns.append(_turn(_hue(flat.transpose(1, 2, 0) * 255), _hue(image)))
    assert 99 < min(turns) < 105
    assert 195 < max(turns) < 201


def test_no_paper_copy_keeps_the_colour_of_skin_and_every_skin_copy_does():
    image = _skin_image()
    start = _hue(image)
    for seed in range(60):
        paper = alter(image, "paper", np.random.default_rng(seed))
        assert 60 < _turn(start, _hue(paper)) < 240
        skin = alter(image, "skin", np.random.default_rng(seed))
        assert abs((_turn(start, _hue(skin)) + 180) % 360 - 180) < 12
        assert abs(skin.mean() - image.mean()) < 0.3 * image.mean()
        assert not np.array_equal(skin, image)


def test_the_skin_policy_leaves_no_black_corner():
    image = np.full((32, 32, 3), (225, 180, 160), np.uint8)
    for seed in range(40):
        assert alter(image, "skin", np.random.default_rng(seed)).min() > 100


def test_the_paper_preset_is_augment_5x_of_the_paper():
    assert Augment.presets["paper"] == {"policy": "paper", "quota": "x5"}
