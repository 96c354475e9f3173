from __future__ import annotations

import colorsys
from functools import partial

import numpy as np
import pytest
import torch

from imbalance_derm.errors import InputError
from imbalance_derm.registry.parameters import create
from imbalance_derm.synth.cyclegan.diffaugment import (
    colour,
    cut_out,
    draw_transform,
    translate,
)
from imbalance_derm.synth.cyclegan.losses import LossWeights
from imbalance_derm.synth.cyclegan.trainer import Trainer

POLICY = "color,translation,cutout"


@pytest.fixture
def images():
    return torch.rand(3, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_at_no_strength_nothing_changes(images):
    still = np.zeros((3, 2), int)
    torch.testing.assert_close(colour(images, [0] * 3, [1] * 3, [1] * 3), images)
    assert torch.equal(translate(images, still), images)
    assert torch.equal(cut_out(images, still, 0), images)
    assert draw_transform("none", 3, 8, np.random.default_rng(0))(images) is images


def test_colour_by_the_formulas_of_the_paper(images):
    light, saturation, contrast = [0.3, -0.5, 0.0], [0.0, 2.0, 1.3], [0.5, 1.5, 1.0]
    got = colour(images, light, saturation, contrast).numpy()
    for x, b, s, c, found in zip(images.numpy(), light, saturation, contrast, got, strict=True):
        x = x + b
        x = (x - x.mean(axis=0)) * s + x.mean(axis=0)
        x = (x - x.mean()) * c + x.mean()
        np.testing.assert_allclose(found, x, atol=1e-6)


def test_colour_keeps_the_hue(images):
    # Small strengths, so that the hue of a value outside [0, 1] is not asked for.
    changed = colour(images * 0.3, [0.1] * 3, [1.5] * 3, [1.2] * 3)
    for before, after in zip(
        (images * 0.3).permute(0, 2, 3, 1).reshape(-1, 3).tolist(),
        changed.permute(0, 2, 3, 1).reshape(-1, 3).tolist(),
        strict=True,
    ):
        hues = [colorsys.rgb_to_hsv(*((v + 1) / 2 for v in rgb))[0] for rgb in (before, after)]
        apart = abs(hues[0] - hues[1])
        assert min(apart, 1 - apart) < 1e-3


def test_translation_pixel_by_pixel(images):
    shifts = np.array([[2, -1], [0, 3], [-8, 0]])
    expected = torch.zeros_like(images)
    for n, (down, right) in enumerate(shifts):
        for row in range(8):
            for column in range(8):
                if 0 <= row - down < 8 and 0 <= column - right < 8:
                    expected[n, :, row, column] = images[n, :, row - down, column - right]
    assert torch.equal(translate(images, shifts), expected)


def test_cutout_pixel_by_pixel(images):
    corners, side = np.array([[-2, 3], [6, 6], [-4, -4]]), 4
    expected = images.clone()
    for n, (top, left) in enumerate(corners):
        for row in range(8):
            for column in range(8):
                if top <= row < top + side and left <= column < left + side:
                    expected[n, :, row, column] = 0
    assert torch.equal(cut_out(images, corners, side), expected)
    assert torch.equal(expected[2], images[2])  # wholly outside


def test_gradients_flow_through_to_the_image(images):
    transform = draw_transform(POLICY, 3, 8, np.random.default_rng(1))
    # Against finite differences.
    assert torch.autograd.gradcheck(transform, images.double().requires_grad_(), atol=1e-6)


def test_draws_have_the_ranges_of_the_paper():
    rng, size = np.random.default_rng(0), 16
    ramp = torch.arange(size, dtype=torch.float32) + 1
    rows = ramp.view(1, 1, size, 1).expand(500, 3, size, size)
    moved = draw_transform("translation", 500, size, rng)(rows)
    # The lowest row shows how far each image went down: at most an eighth of the side.
    down = set((moved[:, 0].amax(dim=2)[:, -1]).tolist())
    assert down == {0.0, 14.0, 15.0, 16.0}
    cut = draw_transform("cutout", 500, size, rng)(torch.ones(500, 3, size, size))
    holes = (cut[:, 0] == 0).sum(dim=(1, 2))
    assert (cut[:, 0] == cut[:, 2]).all()
    assert holes.max() == (size // 2) ** 2  # half the side, where it lies inside
    assert holes.min() >= (size // 4) ** 2  # the centre is in the image
    grey = draw_transform("color", 500, size, rng)(torch.zeros(500, 3, 2, 2))[:, 0, 0, 0]
    assert -0.5 <= grey.min() < -0.45
    assert 0.45 < grey.max() <= 0.5


def test_the_same_numbers_give_the_same_transform_and_each_image_has_its_own(images):
    draw = partial(draw_transform, POLICY, 3, 8)
    first, again, other = (draw(np.random.default_rng(seed))(images) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    alike = draw(np.random.default_rng(1))(images[:1].expand(3, -1, -1, -1))
    assert len({image.numpy().tobytes() for image in alike}) == 3


class Recorder(torch.nn.Module):
    """A network that keeps what it is shown."""

    def __init__(self):
        super().__init__()
        self.factor = torch.nn.Parameter(torch.ones(1, 1))
        self.shown = []

    def forward(self, images, domain):
        self.shown.append(images.detach())
        return images * self.factor

    def target_weights(self):
        return self.state_dict()


def test_discriminators_see_real_and_translated_images_under_one_transform(context, images):
    generators, judges = Recorder(), Recorder()
    trainer = Trainer(generators, judges, LossWeights(), context)
    transform = draw_transform(POLICY, 3, 8, np.random.default_rng(0))
    for adam in trainer._adams:
        adam.param_groups[0]["lr"] = 0.0
    _, fake_target, fake_source = trainer._step_generators(images, images, 1, transform)
    trainer._step_judges(images, images, fake_source, fake_target, 1, transform)
    # The generators return their input: real and translated images are the same.
    for shown in judges.shown:
        for part in shown.split(3):
            torch.testing.assert_close(part, transform(images))
    assert sum(len(shown) for shown in judges.shown) == 3 * 2 + 6 * 2
    # What generators see and what the cycle is measured on is not transformed.
    assert all(torch.equal(part, images) for shown in generators.shown for part in shown.split(3))


@pytest.mark.parametrize("policy", ["none", "color", "cutout,color", POLICY])
def test_policies_are_told_by_name(policy):
    assert create("synthesizer", "cyclegan", {"diffaugment": policy}).schedule.diffaugment == policy


@pytest.mark.parametrize("policy", ["hue", "color,", "none,color", ""])
def test_unknown_policies_are_refused(policy):
    with pytest.raises(InputError, match="diffaugment"):
        create("synthesizer", "cyclegan", {"diffaugment": policy})
