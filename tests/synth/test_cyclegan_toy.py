"""A translation whose truth is known: Gaussian points, each the red and green of one pixel."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from imbalance_derm.synth.cyclegan.conditioning import LabelPlanes, LabelScore, PerDomain
from imbalance_derm.synth.cyclegan.generators import Residual
from imbalance_derm.synth.cyclegan.losses import LossWeights
from imbalance_derm.synth.cyclegan.schedule import Domains, Schedule
from imbalance_derm.synth.cyclegan.trainer import Trainer
from imbalance_derm.synth.pixels import to_images, to_tensor

MEANS = np.array([[80, 80], [180, 100], [100, 180]])  # the first is the source
SPREAD, EACH = 12, 256


def mlp(inputs, outputs):
    width = 32
    return nn.Sequential(
        nn.Conv2d(inputs, width, 1), nn.LeakyReLU(0.2),
        nn.Conv2d(width, width, 1), nn.LeakyReLU(0.2), nn.Conv2d(width, outputs, 1),
    )  # fmt: skip


def pixels(rng, domains):
    points = np.full((domains * EACH, 1, 1, 3), 128, np.uint8)
    labels = np.repeat(np.arange(domains), EACH)
    drawn = rng.normal(MEANS[labels], SPREAD)
    points[:, 0, 0, :2] = np.clip(np.round(drawn), 0, 255)
    return points, labels


def networks(models, domains):
    if models == "shared":
        generator = LabelPlanes(Residual(mlp(3 + domains, 3)), domains)
        return generator, LabelScore(mlp(3, domains))
    generators = PerDomain(lambda: Residual(mlp(3, 3)), range(domains))
    return generators, PerDomain(lambda: mlp(3, 1), range(domains))


@pytest.mark.parametrize(("models", "domains"), [("per_pair", 2), ("shared", 3)])
def test_translation_moves_points_to_the_target_class(context, models, domains):
    samples, labels = pixels(np.random.default_rng(0), domains)
    rows = tuple(np.flatnonzero(labels == domain) for domain in range(domains))
    trainer = Trainer(*networks(models, domains), LossWeights(1.0, 0.1), context, ema=0.99)
    steps = 250 * (domains - 1)
    plan = Schedule(steps, 16, 2e-3, 0.5, image_pool=50, discriminator_learning_rate=1e-2)
    trainer.train(Domains(samples, rows), plan, seed=0)
    network, _ = networks(models, domains)
    network.load_state_dict(trainer.translators(), strict=False)
    fresh, labels = pixels(np.random.default_rng(1), domains)
    source = to_tensor(fresh[labels == 0], torch.device("cpu"))
    for target in range(1, domains):
        with torch.inference_mode():
            made = to_images(network(source, target))[:, 0, 0, :2].astype(float)
        assert np.abs(made.mean(axis=0) - MEANS[target]).max() < SPREAD
        assert _nearest(made, target, domains) > 0.9
        assert _nearest(fresh[labels == 0][:, 0, 0, :2], target, domains) == 0


def _nearest(points, target, domains):
    """Share of `points` that are nearer to the target's mean than to any other."""
    distances = np.linalg.norm(points[:, None].astype(float) - MEANS[None, :domains], axis=2)
    return (distances.argmin(axis=1) == target).mean()
