from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from imbalance_derm.errors import InputError
from imbalance_derm.registry.parameters import create
from imbalance_derm.synth.cyclegan.architecture import Architecture
from imbalance_derm.synth.cyclegan.batches import draw_batch
from imbalance_derm.synth.cyclegan.conditioning import PerDomain
from imbalance_derm.synth.cyclegan.discriminators import build_discriminator
from imbalance_derm.synth.cyclegan.generators import (
    UNetGenerator,
    UpsampleConv,
    build_generator,
)
from imbalance_derm.synth.cyclegan.image_pool import ImagePool
from imbalance_derm.synth.cyclegan.losses import (
    LossWeights,
    adversarial_loss,
    discriminator_loss,
    reconstruction_loss,
)
from imbalance_derm.synth.cyclegan.schedule import Domains, Schedule
from imbalance_derm.synth.cyclegan.synthesizer import CycleGan
from imbalance_derm.synth.cyclegan.trainer import Trainer
from imbalance_derm.synth.pixels import to_images, to_tensor
from imbalance_derm.training.checkpoints import load_state, save_state
from imbalance_derm.training.context import TrainingContext

SMALL = {
    "blocks": 2, "filters": 4, "discriminator_filters": 4, "discriminator_blocks": 2,
    "batch_size": 2, "image_pool": 3,
}  # fmt: skip


def _pair(build_generator, build_discriminator, weights, context, **values):
    """A trainer of two domains, each with networks of its own: 0 is the source."""
    networks = (PerDomain(build, range(2)) for build in (build_generator, build_discriminator))
    return Trainer(*networks, weights, context, **values)


def _parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


# Losses


def test_least_squares_losses_by_hand():
    scores = torch.tensor([[1.0, 0.5], [-1.0, 0.0]])
    # (0 + 0.25 + 4 + 1) / 4 and (1 + 0.25 + 1 + 0) / 4
    assert adversarial_loss(scores, real=True).item() == pytest.approx(5.25 / 4)
    assert adversarial_loss(scores, real=False).item() == pytest.approx(2.25 / 4)
    assert discriminator_loss(scores, scores).item() == pytest.approx((5.25 + 2.25) / 8)


def test_reconstruction_is_the_mean_absolute_difference_in_float32():
    a = torch.tensor([[0.5, -1.0]], dtype=torch.bfloat16)
    b = torch.tensor([[1.0, 1.0]], dtype=torch.bfloat16)
    loss = reconstruction_loss(a, b)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx((0.5 + 2.0) / 2)


class Scale(nn.Module):
    """Multiplies by one learnable number: every loss of a step can be written down."""

    def __init__(self, factor):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor([[float(factor)]]))

    def forward(self, x):
        return x * self.factor


def test_the_objective_of_a_step_by_hand(context, monkeypatch):
    monkeypatch.setattr(Trainer, "_start", lambda self, seed: None)
    factors = iter([2.0, 0.5])  # to source, to target
    judges = iter([-1.0, 0.25])  # of the source, of the target
    trainer = _pair(
        lambda: Scale(next(factors)), lambda: Scale(next(judges)), LossWeights(10.0, 3.0), context
    )
    samples = np.stack([np.full((2, 2, 3), 255, np.uint8), np.full((2, 2, 3), 0, np.uint8)])
    plan = Schedule(steps=1, batch_size=1, learning_rate=0.1, decay=0.0, image_pool=0)
    domains = Domains(samples, (np.array([0]), np.array([1])))  # source +1, target -1
    ((point,),) = trainer.train(domains, plan, seed=0)
    # Fakes: target 0.5, source -2. Scores: 0.25 * 0.5 and -1 * -2.
    adversarial = (0.125 - 1) ** 2 + (2 - 1) ** 2
    # There and back is 0.5 * 2 = 1: no cycle loss. Identity: |-0.5 + 1| + |2 - 1|.
    assert point["adversarial"] == pytest.approx(adversarial)
    assert point["cycle"] == pytest.approx(0.0)
    assert point["identity"] == pytest.approx(1.5)
    assert point["generator"] == pytest.approx(adversarial + 3.0 * 1.5)
    # On real: 0.25 * -1 and -1 * 1; on fakes as above.
    judged = 0.5 * ((-0.25 - 1) ** 2 + 0.125**2) + 0.5 * ((-1 - 1) ** 2 + 2**2)
    assert point["discriminator"] == pytest.approx(judged)
    # Adam's first step is the learning rate against the sign of the gradient. The judge of the
    # target has d/dw of 0.5 ((-w - 1)^2 + (0.5 w)^2) = (w + 1) + 0.25 w > 0.
    assert trainer.judges.networks["1"].factor.item() == pytest.approx(0.25 - 0.1, abs=1e-5)


def test_the_generator_step_leaves_the_discriminators_alone(context):
    trainer = _pair(
        lambda: build_generator("unet", 2, 2, 8), lambda: build_discriminator(2, 2, 8),
        LossWeights(), context,
    )  # fmt: skip
    trainer._start(0)
    x = torch.rand(2, 3, 8, 8)
    before = [p.clone() for p in trainer.judges.parameters()]
    for group in trainer._adams[0].param_groups:
        group["lr"] = 0.1
    trainer._step_generators(x, x.flip(0), 1, lambda images: images)
    assert all(p.grad is None for p in trainer.judges.parameters())
    assert all(torch.equal(a, b) for a, b in zip(before, trainer.judges.parameters(), strict=True))
    assert all(p.grad.abs().sum() > 0 for p in trainer.generators.parameters() if p.ndim > 1)


# Networks


def test_upsample_conv_is_upsampling_followed_by_a_same_convolution():
    torch.manual_seed(0)
    layer = UpsampleConv(5, 3)
    x = torch.randn(2, 5, 6, 7)
    padded = F.pad(F.interpolate(x, scale_factor=2, mode="nearest"), (1, 2, 1, 2))
    expected = F.conv2d(padded, layer.weight, layer.bias)
    torch.testing.assert_close(layer(x), expected, atol=1e-5, rtol=1e-5)


def test_the_unet_of_the_paper_has_its_blocks_and_weights():
    network = UNetGenerator(32, 4)
    down = [(3, 32), (32, 64), (64, 128), (128, 256)]
    up = [(256, 128), (128 + 128, 64), (64 + 64, 32), (32 + 32, 3)]
    expected = sum(inputs * outputs * 16 + outputs for inputs, outputs in down + up)
    assert _parameters(network) == expected
    x = torch.rand(2, 3, 64, 64) * 2 - 1
    assert network(x).shape == x.shape
    assert network(x).abs().max() <= 1


def test_the_discriminator_of_the_paper_scores_patches():
    network = build_discriminator(64, 4, 256)
    blocks = [(3, 64), (64, 128), (128, 256), (256, 512), (512, 1)]
    assert _parameters(network) == sum(i * o * 16 + o for i, o in blocks)
    assert network(torch.zeros(1, 3, 256, 256)).shape == (1, 1, 16, 16)


def test_the_resnet_generator_has_the_published_number_of_weights():
    # 11.378 million is what Zhu et al.'s code prints for 9 blocks and 64 filters.
    network = build_generator("resnet", 64, 9, 256)
    assert _parameters(network) == 11_378_179
    assert build_generator("resnet", 4, 2, 20)(torch.zeros(1, 3, 20, 20)).shape == (1, 3, 20, 20)


def test_a_residual_generator_adds_to_the_image():
    network = build_generator("unet", 4, 2, 16, residual=True)
    x = torch.rand(2, 3, 16, 16) * 2 - 1
    torch.testing.assert_close(network(x), (x + network.network(x)).clamp(-1, 1))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
    assert torch.equal(network(x), x)


def test_images_do_not_influence_each_other():
    torch.manual_seed(0)
    network = build_generator("unet", 4, 2, 16)
    x = torch.rand(3, 3, 16, 16)
    torch.testing.assert_close(network(x)[1:2], network(x[1:2]), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(("blocks", "size", "fitting"), [(4, 16, 3), (4, 40, 3), (5, 32, 4)])
def test_too_many_blocks_for_the_image_is_an_error_that_says_what_fits(blocks, size, fitting):
    with pytest.raises(InputError, match=f"synth.blocks={fitting}"):
        build_generator("unet", 4, blocks, size)
    build_generator("unet", 4, fitting, size)(torch.zeros(1, 3, size, size))
    with pytest.raises(InputError, match=f"synth.discriminator_blocks={fitting}"):
        build_discriminator(4, blocks, size)


# Image pool


def test_a_pool_of_size_zero_returns_what_it_gets():
    x = torch.rand(3, 3, 2, 2, requires_grad=True)
    out = ImagePool(0).query(x, np.random.default_rng(0))
    assert torch.equal(out, x)
    assert not out.requires_grad


def test_a_pool_fills_first_and_then_trades_half_of_the_time():
    pool, rng = ImagePool(50), np.random.default_rng(0)
    numbered = (torch.full((1, 1, 1, 1), float(n)) for n in range(2_050))
    returned = [pool.query(next(numbered), rng).item() for _ in range(2_050)]
    assert returned[:50] == list(range(50))
    assert len(pool.images) == 50
    same = np.mean([value == n for n, value in enumerate(returned[50:], start=50)])
    assert 0.45 < same < 0.55
    # Nothing is invented or lost: each image is returned at once, later, or still kept.
    kept = [image.item() for image in pool.images]
    later = [value for n, value in enumerate(returned) if value != n]
    assert len(set(later)) == len(later)
    assert not set(later) & set(kept)


# Training


def test_the_images_map_to_and_from_the_network_without_loss():
    every = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 16, 16, 3)
    back = to_images(to_tensor(every, torch.device("cpu")))
    np.testing.assert_array_equal(back, every)


def test_the_map_is_the_same_for_every_image():
    dull = torch.full((1, 3, 2, 2), 0.2)
    vivid = torch.cat([dull[:, :, :1], torch.ones(1, 3, 1, 2)], dim=2)
    assert to_images(dull)[0, 0, 0, 0] == to_images(vivid)[0, 0, 0, 0] == round(1.2 * 127.5)


def _fit(lesions, accelerator, checkpoint, seed=3, **values):
    synth = CycleGan(**{**SMALL, "steps": 6, **values})
    context = TrainingContext(accelerator, seed, checkpoint)
    return synth, synth.fit(lesions((9, 5, 4)), context)


def _weights(synth):
    return {
        f"{name}/{key}": value
        for name, weights in synth._trained.items()
        for key, value in weights.items()
    }


@pytest.mark.parametrize("kill_after", [1, 4, 6, 9, 12])
def test_interrupted_and_resumed_equals_uninterrupted(
    lesions, accelerator, memory_checkpoint, tmp_path, kill_after
):
    whole, facts = _fit(lesions, accelerator, memory_checkpoint())
    checkpoint = memory_checkpoint(interrupt=kill_after)
    with pytest.raises(KeyboardInterrupt):
        _fit(lesions, accelerator, checkpoint)
    # Through the file format too, which keeps values and drops everything else.
    save_state(tmp_path / "state", checkpoint.state)
    resumed_from = memory_checkpoint()
    resumed_from.state = load_state(tmp_path / "state")
    resumed, resumed_facts = _fit(lesions, accelerator, resumed_from)
    assert resumed_facts == facts
    assert facts["steps"] == 12
    # What was trained before the kill is not trained again.
    assert resumed_from.asked == 12 - kill_after
    expected, got = _weights(whole), _weights(resumed)
    assert expected.keys() == got.keys()
    assert all(torch.equal(expected[key], got[key]) for key in expected)


def test_other_seeds_and_other_classes_give_other_generators(
    lesions, accelerator, memory_checkpoint
):
    first, _ = _fit(lesions, accelerator, memory_checkpoint(), seed=0)
    other, _ = _fit(lesions, accelerator, memory_checkpoint(), seed=1)
    hashes = [
        tuple(weights["networks.1.last.weight"].flatten().tolist())
        for synth in (first, other)
        for weights in synth._trained.values()
    ]
    assert len(set(hashes)) == 4


def test_curves_have_a_bounded_number_of_points_and_average_what_lies_between(
    lesions, accelerator, memory_checkpoint, monkeypatch
):
    monkeypatch.setattr("imbalance_derm.synth.cyclegan.curve._POINTS", 10)
    tiny = {"blocks": 1, "filters": 1, "discriminator_filters": 1, "discriminator_blocks": 1}
    _, facts = _fit(lesions, accelerator, memory_checkpoint(), steps=25, **tiny)
    assert facts["steps"] == 50
    for curve in facts["curves"].values():
        assert [point["step"] for point in curve] == [3, 6, 9, 12, 15, 18, 21, 24]
        for point in curve:
            weighted = point["adversarial"] + 10 * point["cycle"] + point["identity"]
            assert point["generator"] == pytest.approx(weighted, rel=1e-4)


def test_epochs_count_the_images_of_the_smaller_class(lesions, context):
    synth = CycleGan(**{**SMALL, "epochs": 1.5})
    facts = synth.fit(lesions((9, 5, 4)), context)
    # ceil(1.5 * 5 / 2) and ceil(1.5 * 4 / 2)
    assert [pair["steps"] for pair in facts["learned"]] == [4, 3]
    assert [pair["from"] for pair in facts["learned"]] == ["class0", "class0"]


def test_every_image_is_seen_once_before_any_is_seen_again():
    samples = np.arange(7, dtype=np.uint8)[:, None, None, None] * np.ones((1, 8, 8, 3), np.uint8)
    rng = np.random.default_rng(0)
    batches = [draw_batch(samples, np.arange(7), step, 2, 0, rng) for step in range(7)]
    seen = [int(image[0, 0, 0]) for batch in batches for image in batch]
    assert sorted(seen[:7]) == sorted(seen[7:]) == list(range(7))
    assert seen[:7] != seen[7:]


def test_half_of_the_images_are_mirrored():
    image = np.broadcast_to(np.arange(4, dtype=np.uint8)[None, :, None], (4, 4, 3))
    rng = np.random.default_rng(0)
    batch = draw_batch(image[None], np.array([0]), 0, 400, 0, rng)
    mirrored = np.mean([np.array_equal(item, image[:, ::-1]) for item in batch])
    assert 0.4 < mirrored < 0.6
    assert all(
        np.array_equal(item, image) or np.array_equal(item, image[:, ::-1]) for item in batch
    )


def test_the_rate_falls_linearly_over_the_last_share():
    plan = Schedule(steps=100, batch_size=1, learning_rate=2e-4, decay=0.5, image_pool=0)
    assert plan.rates(0) == plan.rates(50) == (2e-4, 2e-4)
    assert plan.rates(75) == pytest.approx((1e-4, 1e-4))
    assert plan.rates(99) == pytest.approx((2e-4 / 50, 2e-4 / 50))
    constant = Schedule(steps=100, batch_size=1, learning_rate=2e-4, decay=0.0, image_pool=0)
    assert constant.rates(99) == (2e-4, 2e-4)


def test_sources_are_majority_images_each_used_once_before_any_is_used_again(lesions, context):
    data = lesions((9, 5))
    synth = CycleGan(**SMALL, steps=1)
    synth.fit(data, context)
    chunks = list(synth.sample(data, 1, 20, 0, context))
    sources = [origin.sources[0] for chunk in chunks for origin in chunk.provenance]
    assert set(sources[:9]) == set(sources[9:18]) == {f"image{row}" for row in range(9)}
    samples = np.concatenate([chunk.samples for chunk in chunks])
    assert len({sample.tobytes() for sample in samples}) == 20


def test_it_moves_images_to_the_target_class(context):
    # Dark squares to bright ones: a translation whose success can be read off the mean.
    rng = np.random.default_rng(0)
    base = np.repeat([70, 180], 24)[:, None, None, None] + rng.normal(0, 12, (48, 1, 1, 1))
    samples = np.clip(base + rng.normal(0, 8, (48, 16, 16, 3)), 0, 255).astype(np.uint8)
    trainer = _pair(
        lambda: build_generator("unet", 8, 1, 16), lambda: build_discriminator(8, 2, 16),
        LossWeights(1.0, 0.1), context,
    )  # fmt: skip
    plan = Schedule(steps=120, batch_size=4, learning_rate=2e-3, decay=0.5, image_pool=10)
    domains = Domains(samples, (np.arange(24), np.arange(24, 48)))
    trainer.train(domains, plan, seed=0)
    with torch.inference_mode():
        x = to_tensor(samples[:24], torch.device("cpu"))
        translated = to_images(trainer.generators(x, 1))
    assert abs(translated.mean() - samples[24:].mean()) < 30


def test_a_class_that_was_not_trained_is_named(lesions, context):
    with pytest.raises(InputError, match="no CycleGAN was trained to make class 'class1'"):
        list(CycleGan().sample(lesions((4, 2)), 1, 1, 0, context))


def test_the_paper_preset_is_the_paper():
    values = {k: v for k, v in CycleGan.presets["paper"].items() if k != "quota"}
    paper = create("synthesizer", "cyclegan", values)
    assert paper.architecture == Architecture("per_pair", "unet", 4, False, 32, 64, 4, False)
    assert paper.schedule == Schedule(
        steps=0, batch_size=1, learning_rate=2e-4, decay=0.0, image_pool=0,
        discriminator_learning_rate=0.0, diffaugment="none",
    )  # fmt: skip
    assert (paper.epochs, paper.ema) == (100, 0)
    assert paper.weights == LossWeights(cycle=10.0, identity=1.0)
    assert CycleGan.presets["paper"]["quota"] == "per_source"
