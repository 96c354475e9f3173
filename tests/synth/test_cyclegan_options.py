"""What makes a CycleGAN train reliably: each option against something it can be checked by."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn.utils import parametrize

from imbalance_derm.synth.cyclegan.checks import Figures, examine, remedies, warn
from imbalance_derm.synth.cyclegan.conditioning import LabelPlanes, LabelScore, PerDomain
from imbalance_derm.synth.cyclegan.discriminators import build_discriminator
from imbalance_derm.synth.cyclegan.generators import build_generator
from imbalance_derm.synth.cyclegan.losses import LossWeights
from imbalance_derm.synth.cyclegan.networks import initialise
from imbalance_derm.synth.cyclegan.schedule import Domains, Schedule
from imbalance_derm.synth.cyclegan.synthesizer import WEIGHTS_FILE, CycleGan
from imbalance_derm.synth.cyclegan.trainer import Trainer
from imbalance_derm.training.checkpoints import load_state, save_state
from imbalance_derm.training.context import TrainingContext

SMALL = {
    "blocks": 2, "filters": 4, "discriminator_filters": 4, "discriminator_blocks": 2,
    "batch_size": 2, "image_pool": 3,
}  # fmt: skip
EVERYTHING = {
    "models": "shared", "spectral_norm": True, "ema": 0.7, "discriminator_learning_rate": 1e-3,
    "diffaugment": "color,translation,cutout",
}  # fmt: skip


class Scale(nn.Module):
    """Multiplies by one learnable number."""

    def __init__(self):
        super().__init__()
        self.factor = nn.Parameter(torch.ones(1, 1))

    def forward(self, x):
        return x * self.factor


def scales(context, ema=0.0):
    pairs = (PerDomain(Scale, range(2)) for _ in range(2))
    trainer = Trainer(*pairs, LossWeights(), context, ema)
    samples = np.random.default_rng(0).integers(0, 256, (6, 2, 2, 3), dtype=np.uint8)
    return trainer, Domains(samples, (np.arange(3), np.arange(3, 6)))


def fit(lesions, accelerator, checkpoint, **values):
    synth = CycleGan(**{**SMALL, "steps": 5, **values})
    return synth, synth.fit(lesions((9, 5, 4)), TrainingContext(accelerator, 3, checkpoint))


# Two time scales


def test_generators_and_discriminators_have_rates_of_their_own(context):
    trainer, domains = scales(context)
    plan = Schedule(1, 1, 0.01, 0.0, 0, discriminator_learning_rate=0.03)
    before = [p.clone() for p in (*trainer.generators.parameters(), *trainer.judges.parameters())]
    moved = {}

    def after_step(done, point, state):
        moved["generators"], moved["judges"] = (
            [float(value) for value in state()[part].values()] for part in ("generators", "judges")
        )

    trainer._start = lambda seed: None
    trainer.train(domains, plan, 0, after_step=after_step)
    # Adam's first step is the rate, whatever the gradient.
    steps = np.abs(np.array(moved["generators"] + moved["judges"]) - [p.item() for p in before])
    np.testing.assert_allclose(steps, [0.01, 0.01, 0.03, 0.03], rtol=1e-3)


def test_the_second_rate_falls_with_the_first():
    plan = Schedule(10, 1, 1e-3, 0.5, 0, discriminator_learning_rate=4e-3)
    for step in range(10):
        own, other = plan.rates(step)
        assert other == pytest.approx(4 * own)
    assert plan.rates(9)[0] == pytest.approx(2e-4)


# Moving average


def test_the_average_of_weights_by_its_closed_form(context):
    trainer, domains = scales(context, ema=0.3)
    seen, plan = [], Schedule(6, 1, 0.05, 0.0, 0)

    def after_step(done, point, state):
        seen.append(float(state()["generators"]["networks.1.factor"]))

    trainer.train(domains, plan, 0, after_step=after_step)
    # The first average is the first weight; then a share of (1 + n) / (10 + n), at most 0.3.
    decays = [0.0, 2 / 11, 3 / 12, 0.3, 0.3, 0.3]
    shares = [(1 - d) * np.prod(decays[i + 1 :]) for i, d in enumerate(decays)]
    assert sum(shares) == pytest.approx(1.0)
    averaged = trainer.translators()["networks.1.factor"].item()
    assert averaged == pytest.approx(np.dot(shares, seen), rel=1e-5)
    assert averaged != pytest.approx(seen[-1], abs=1e-3)
    # Training itself is not touched by it.
    plain, _ = scales(context)
    plain.train(domains, plan, 0)
    assert plain.translators()["networks.1.factor"].item() == pytest.approx(seen[-1])


def test_samples_are_made_with_the_average(lesions, accelerator, memory_checkpoint):
    last, average = (
        fit(lesions, accelerator, memory_checkpoint(), ema=ema)[0] for ema in (0.0, 0.9)
    )
    weights = [synth._trained["class1"]["networks.1.last.weight"] for synth in (last, average)]
    assert not torch.equal(*weights)
    context, data = TrainingContext(accelerator), lesions((9, 5, 4))
    made = [next(synth.sample(data, 1, 9, 0, context)).samples for synth in (last, average)]
    assert not np.array_equal(*made)


# Spectral normalisation


def largest_singular_values(network):
    return [
        torch.linalg.svdvals(layer.weight.detach().flatten(1))[0].item()
        for layer in network.modules()
        if parametrize.is_parametrized(layer, "weight")
    ]


def test_every_convolution_has_a_largest_singular_value_of_one():
    network = build_discriminator(8, 3, 32, spectral=True)
    initialise(network, torch.Generator().manual_seed(0))
    raw = [w for name, w in network.named_parameters() if name.endswith("original")]
    # What training starts from is paper A's draw, not one.
    assert all(0.01 < w.std() < 0.03 for w in raw)
    assert largest_singular_values(network) == pytest.approx([1.0] * 4, abs=0.1)
    for _ in range(300):
        network(torch.zeros(1, 3, 32, 32))
    network.eval()
    assert largest_singular_values(network) == pytest.approx([1.0] * 4, abs=1e-3)
    plain = build_discriminator(8, 3, 32)
    initialise(plain, torch.Generator().manual_seed(0))
    for weight, found in zip(raw, [p for p in plain.parameters() if p.ndim > 1], strict=True):
        assert torch.equal(weight, found)


def test_initialising_forgets_what_the_constructor_drew():
    states = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        network = build_discriminator(4, 2, 16, spectral=True)
        initialise(network, torch.Generator().manual_seed(5))
        states.append(network.state_dict())
    assert any(name.endswith("_u") for name in states[0])
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


# Mixed precision


def test_passes_run_in_mixed_precision_and_losses_do_not(accelerator, lesions, monkeypatch):
    seen = []
    module = "imbalance_derm.synth.cyclegan.trainer"
    from imbalance_derm.synth.cyclegan import losses

    for name in ("adversarial_loss", "reconstruction_loss", "discriminator_loss"):

        def outside(*arguments, name=name):
            seen.append((name, torch.is_autocast_enabled("cpu")))
            return getattr(losses, name)(*arguments)

        monkeypatch.setattr(f"{module}.{name}", outside)
    inside = []
    hook = nn.modules.module.register_module_forward_hook(
        lambda layer, _, out: inside.append(out.dtype) if isinstance(layer, nn.Conv2d) else None
    )
    context = TrainingContext(
        accelerator, seed=3, autocast=partial(torch.autocast, "cpu", torch.bfloat16)
    )
    synth = CycleGan(**{**SMALL, "steps": 3})
    try:
        facts = synth.fit(lesions((9, 5)), context)
        (chunk,) = synth.sample(lesions((9, 5)), 1, 9, 0, context)
    finally:
        hook.remove()
    assert inside
    assert set(inside) == {torch.bfloat16}
    assert {name for name, _ in seen} == {
        "adversarial_loss", "reconstruction_loss", "discriminator_loss"
    }  # fmt: skip
    assert not any(active for _, active in seen)
    assert all(value.dtype == torch.float32 for value in synth._trained["class1"].values())
    assert chunk.samples.dtype == np.uint8
    # Rounding aside it is the same training.
    exact = CycleGan(**{**SMALL, "steps": 3})
    curve = exact.fit(lesions((9, 5)), TrainingContext(accelerator, seed=3))["curves"]["class1"]
    for point, true in zip(facts["curves"]["class1"], curve, strict=True):
        assert point["generator"] == pytest.approx(true["generator"], rel=0.03)
        assert point["generator"] != true["generator"]


# One model for all classes


@pytest.mark.parametrize("kind", ["unet", "resnet"])
@pytest.mark.parametrize("residual", [False, True])
def test_a_shared_generator_depends_on_the_label(kind, residual):
    torch.manual_seed(0)
    network = LabelPlanes(build_generator(kind, 8, 2, 16, residual, planes=3), 3)
    x = torch.rand(2, 3, 16, 16) * 2 - 1
    made = [network(x, domain) for domain in range(3)]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        # Also in the middle, where no edge of the image gives the label away.
        assert (made[one] - made[other])[:, :, 6:10, 6:10].abs().mean() > 1e-3
    assert all(image.shape == x.shape for image in made)


def test_a_shared_discriminator_reads_the_score_of_the_label():
    network = build_discriminator(4, 2, 16, scores=3)
    x = torch.rand(2, 3, 16, 16)
    judge = LabelScore(network)
    for domain in range(3):
        assert torch.equal(judge(x, domain), network(x)[:, [domain]])
    judge(x, 1).sum().backward()
    last = network[-1]
    assert (last.weight.grad.flatten(1).abs().sum(dim=1) > 0).tolist() == [False, True, False]


def test_one_model_makes_every_class(lesions, accelerator, memory_checkpoint, tmp_path):
    synth, facts = fit(lesions, accelerator, memory_checkpoint(), models="shared")
    (learned,) = facts["learned"]
    assert learned["from"] == "class0"
    assert learned["to"] == ["class1", "class2"]
    # As many updates as the pairs would have had, half of them for each class.
    assert learned["steps"] == facts["steps"] == 10
    assert {name: len(curve) for name, curve in facts["curves"].items()} == {
        "class1": 5, "class2": 5
    }  # fmt: skip
    synth.save(tmp_path)
    names = list(load_file(tmp_path / WEIGHTS_FILE))
    alone = build_generator("unet", 4, 2, 16, planes=3)
    assert len(names) == len(alone.state_dict())
    context, data = TrainingContext(accelerator), lesions((9, 5, 4))
    chunks = [next(synth.sample(data, label, 9, 0, context)) for label in (1, 2)]
    origins = [origin for chunk in chunks for origin in chunk.provenance]
    assert {origin.model for origin in origins} == {learned["model"]}
    assert {origin.mode for origin in origins} == {"translate"}
    # The same sources, of two classes.
    assert {origin.sources for origin in origins[:9]} == {origin.sources for origin in origins[9:]}
    assert not np.array_equal(
        *(
            chunk.samples[np.argsort([origin.sources[0] for origin in chunk.provenance])]
            for chunk in chunks
        )
    )
    again = CycleGan(**SMALL, models="shared")
    again.load(tmp_path, data, context)
    for label, chunk in zip((1, 2), chunks, strict=True):
        found = next(again.sample(data, label, 9, 0, context))
        np.testing.assert_array_equal(found.samples, chunk.samples)


def test_pairs_keep_only_the_way_to_the_target(lesions, accelerator, memory_checkpoint):
    synth, facts = fit(lesions, accelerator, memory_checkpoint())
    assert [pair["to"] for pair in facts["learned"]] == [["class1"], ["class2"]]
    alone = build_generator("unet", 4, 2, 16).state_dict()
    assert all(len(weights) == len(alone) for weights in synth._trained.values())


def test_classes_take_turns_and_each_of_their_images_is_seen_first(context):
    samples = np.arange(7, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8)
    seen = []

    class Seeing(nn.Module):
        def __init__(self):
            super().__init__()
            self.factor = nn.Parameter(torch.ones(1, 1))

        def forward(self, images, domain):
            if len(images) == 2 and not torch.equal(images[0], images[1]):
                seen.append((domain, *((images[:, 0, 0, 0] + 1) * 127.5).round().int().tolist()))
            return images * self.factor

    judges = LabelScore(nn.Conv2d(3, 3, 1))
    generators = Seeing()
    trainer = Trainer(generators, judges, LossWeights(), context)
    rows = (np.array([0, 1]), np.array([2, 3, 4]), np.array([5, 6]))
    trainer.train(Domains(samples, rows), Schedule(6, 1, 1e-9, 0.0, 0), seed=0)
    # (domain made, source, target): the first pass of each step.
    steps = [call for call in seen if call[0] != 0 and call[1] < 2]
    assert [domain for domain, _, _ in steps] == [1, 2] * 3
    assert sorted(target for domain, _, target in steps if domain == 1) == [2, 3, 4]
    assert {target for domain, _, target in steps[:4] if domain == 2} == {5, 6}


@pytest.mark.parametrize("kill_after", [1, 5, 10])
def test_everything_resumes_to_the_same_numbers(
    lesions, accelerator, memory_checkpoint, tmp_path, kill_after
):
    torch.manual_seed(0)
    whole, facts = fit(lesions, accelerator, memory_checkpoint(), **EVERYTHING)
    checkpoint = memory_checkpoint(interrupt=kill_after)
    # Another process has another state of torch's own generator.
    torch.manual_seed(1)
    with pytest.raises(KeyboardInterrupt):
        fit(lesions, accelerator, checkpoint, **EVERYTHING)
    save_state(tmp_path / "state", checkpoint.state)
    resumed_from = memory_checkpoint()
    resumed_from.state = load_state(tmp_path / "state")
    torch.manual_seed(2)
    resumed, resumed_facts = fit(lesions, accelerator, resumed_from, **EVERYTHING)
    assert resumed_facts == facts
    assert resumed_from.asked == 10 - kill_after
    assert all(
        torch.equal(value, resumed._trained["shared"][name])
        for name, value in whole._trained["shared"].items()
    )


# What went wrong, with figures


def test_figures_by_hand():
    originals = np.zeros((3, 2, 2, 3), np.uint8)
    translations = np.stack([originals[0] + 3, originals[1] + 6, originals[2]])
    others = np.stack([originals[0] + 100, originals[1] + 40])
    curve = [{"adversarial": 9.0, "discriminator": 9.0}] * 9 + [
        {"adversarial": 1.8, "discriminator": 0.02}
    ]
    figures = examine(originals, translations, others, curve)
    # Pairs (100, 40, 100); losses are sums over two directions.
    assert figures == Figures(moved=3.0, apart=80.0, adversarial=0.9, discriminator=0.01)


@pytest.mark.parametrize(
    ("figures", "found"),
    [
        (Figures(4.1, 80.0, 0.3, 0.2), []),
        (Figures(3.9, 80.0, 0.3, 0.2), ["output of the generator equals its input"]),
        (Figures(4.1, 80.0, 0.9, 0.2), []),
        (Figures(4.1, 80.0, 0.3, 0.01), []),
        (Figures(4.1, 80.0, 0.9, 0.01), ["discriminator has won"]),
        (Figures(0.0, 80.0, 1.0, 0.0), ["equals its input", "discriminator has won"]),
    ],
)
def test_bounds_of_the_warnings(figures, found):
    lines = warn("mel", figures, "do this", "do that")
    assert len(lines) == len(found)
    for line, text in zip(lines, found, strict=True):
        assert text in line
        assert "class 'mel'" in line
        assert "\n" not in line


def test_remedies_name_what_is_not_on_yet():
    plan = Schedule(0, 1, 2e-4, 0.5, 50)
    longer, weaker = remedies(LossWeights(10.0), plan, False, 400)
    assert "synth.steps=800" in longer
    assert "synth.cycle_weight=5" in longer
    for setting in ("learning_rate=0.0001", "spectral_norm=true", "diffaugment=color"):
        assert setting in weaker
    on = Schedule(0, 1, 2e-4, 0.5, 50, 1e-4, "color")
    longer, weaker = remedies(LossWeights(0.0), on, True, 400)
    assert "cycle_weight" not in longer
    assert weaker == "try --set synth.discriminator_learning_rate=5e-05"


def test_a_healthy_fit_has_figures_and_no_warning(lesions, accelerator, memory_checkpoint):
    synth, facts = fit(lesions, accelerator, memory_checkpoint())
    assert facts["warnings"] == []
    assert list(facts["checks"]) == ["class1", "class2"]
    data, context = lesions((9, 5, 4)), TrainingContext(accelerator)
    rows = {image: row for row, image in enumerate(data.image_ids)}
    for label, name in enumerate(data.classes[1:], start=1):
        # Every source once, as in the check.
        (chunk,) = synth.sample(data, label, 9, 0, context)
        sources = data.samples[[rows[origin.sources[0]] for origin in chunk.provenance]]
        moved = np.abs(chunk.samples.astype(float) - sources).mean()
        figures = facts["checks"][name]
        assert figures["moved"] == pytest.approx(moved, rel=1e-5)
        last = facts["curves"][name][-1]  # a tenth of 5 points
        assert figures["adversarial"] == pytest.approx(last["adversarial"] / 2)
        assert figures["discriminator"] == pytest.approx(last["discriminator"] / 2)


def test_a_generator_that_returns_its_input_is_told(
    lesions, accelerator, memory_checkpoint, monkeypatch
):
    def zeros(network, generator):
        for parameter in network.parameters():
            nn.init.zeros_(parameter)

    monkeypatch.setattr("imbalance_derm.synth.cyclegan.trainer.initialise", zeros)
    _, facts = fit(
        lesions, accelerator, memory_checkpoint(), residual=True, steps=1, learning_rate=1e-9
    )
    assert len(facts["warnings"]) == 2
    for name, line in zip(("class1", "class2"), facts["warnings"], strict=True):
        assert facts["checks"][name]["moved"] == 0
        assert f"class '{name}': the output of the generator equals its input" in line
        assert "0.00 grey levels" in line
        assert "--set synth.steps=2 or --set synth.cycle_weight=5" in line


def test_a_discriminator_that_wins_is_told(lesions, accelerator, memory_checkpoint):
    # The generators stand still: nothing keeps a discriminator from knowing them.
    _, facts = fit(
        lesions, accelerator, memory_checkpoint(), steps=80, learning_rate=1e-9, decay=0.0,
        discriminator_learning_rate=1e-2, diffaugment="none",
    )  # fmt: skip
    assert len(facts["warnings"]) == 2
    for name, line in zip(("class1", "class2"), facts["warnings"], strict=True):
        figures = facts["checks"][name]
        assert f"class '{name}': the discriminator has won" in line
        assert f"loss is {figures['discriminator']:.3f}" in line
        assert "--set synth.discriminator_learning_rate=0.005" in line
        assert "--set synth.spectral_norm=true" in line
        assert "--set synth.diffaugment=color,translation,cutout" in line


def test_one_training_leaves_nothing_to_the_next(context):
    trainer, domains = scales(context, ema=0.9)
    plan = Schedule(4, 1, 0.05, 0.0, 2)
    results = []
    for seed in (0, 1, 0):
        trainer.train(domains, plan, seed)
        results.append(trainer.translators()["networks.1.factor"].item())
    assert results[0] == results[2] != results[1]


def test_every_domain_has_a_pool_which_feeds_its_discriminator(context, monkeypatch):
    samples = np.random.default_rng(0).integers(0, 256, (6, 2, 2, 3), dtype=np.uint8)
    rows = tuple(np.arange(6).reshape(3, 2))
    pools, shown = [], []

    class Seeing(nn.Conv2d):
        def forward(self, images):
            shown.append(images.detach())
            return super().forward(images)

    def after_step(done, point, state):
        pools.append(state()["pools"])

    generators = LabelPlanes(nn.Conv2d(6, 3, 1), 3)
    trainer = Trainer(generators, LabelScore(Seeing(3, 3, 1)), LossWeights(), context)
    trainer.train(Domains(samples, rows), Schedule(6, 1, 0.01, 0.0, 9), 0, after_step=after_step)
    assert [[len(pool) for pool in step] for step in pools[:3]] == [[1, 1, 0], [2, 1, 1], [3, 2, 1]]
    assert [len(pool) for pool in pools[-1]] == [6, 3, 3]
    # The last two passes of a step: real and pooled images of the target, then of the source.
    target, source = shown[-2:]
    assert torch.equal(target[1], pools[-1][2][-1])
    assert torch.equal(source[1], pools[-1][0][-1])
    # A full pool hands out old translations.
    monkeypatch.setattr(
        "imbalance_derm.synth.cyclegan.image_pool.ImagePool.query",
        lambda pool, images, rng: torch.full_like(images, 0.25),
    )
    shown.clear()
    trainer.train(Domains(samples, rows), Schedule(1, 1, 0.01, 0.0, 9), 0)
    assert all((images[1] == 0.25).all() for images in shown[-2:])
