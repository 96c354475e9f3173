"""M2m: who is made of whom, a translation by hand, and what becomes of a batch."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
import torch
from scipy.stats import binomtest, chisquare
from torch import nn

from imbalance_derm.models.contract import Outputs
from imbalance_derm.schedule import m2m
from imbalance_derm.schedule.joint import Joint
from imbalance_derm.schedule.m2m import MajorToMinor


class Linear(nn.Module):
    """Pixels to logits, in the shape of a model."""

    def __init__(self, seed: int, classes: int = 3) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.layer = nn.Linear(48, classes)

    def forward(self, images):
        flat = images.flatten(1)
        return Outputs(self.layer(flat)), flat


def test_chances_equal_the_formula():
    counts, labels = np.array([50.0, 7.0, 1.0]), np.array([0, 2, 1, 0, 1])
    ours = MajorToMinor(beta=0.9).chances(labels, counts)
    for i, own in enumerate(labels):
        for j, other in enumerate(labels):
            expected = 1 - 0.9 ** max(counts[other] - counts[own], 0)
            assert ours[i, j] == pytest.approx(expected)


def test_pairs_are_drawn_as_often_as_the_paper_says():
    beta, counts = 0.9, np.array([20.0, 10.0, 5.0])
    labels = np.array([0, 0, 1, 2])
    stage, rng, trials = MajorToMinor(beta=beta), np.random.default_rng(0), 20_000
    drawn = [tuple(pair) for _ in range(trials) for pair in stage.pairs(labels, counts, rng)]
    assert all(counts[labels[source]] > counts[labels[row]] for row, source in drawn)
    for row in (2, 3):
        chance = np.array([1 - beta ** max(counts[k] - counts[labels[row]], 0) for k in labels])
        # Gives way, is paired with a source, and is not rejected.
        expected = (1 - counts[labels[row]] / 20) * chance / chance.sum() * chance
        sources = np.array([source for other, source in drawn if other == row])
        seen = np.bincount(sources, minlength=4)
        assert binomtest(len(sources), trials, expected.sum()).pvalue > 0.01
        possible = expected > 0
        share = expected[possible] / expected.sum() * len(sources)
        assert chisquare(seen[possible], share).pvalue > 0.01


def test_without_a_more_frequent_class_there_are_no_pairs():
    rng = np.random.default_rng(0)
    for labels, counts in (([1, 1, 1], [9.0, 3.0]), ([0, 0], [9.0, 3.0]), ([0, 1], [3.0, 3.0])):
        pairs = MajorToMinor().pairs(np.array(labels), np.array(counts), rng)
        assert pairs.shape == (0, 2)


@pytest.mark.parametrize("lam", [0.0, 0.5])
def test_one_step_of_a_linear_model_equals_one_by_hand(lam, monkeypatch):
    monkeypatch.setattr(m2m, "NOISE", 0.0)
    stage = MajorToMinor(lam=lam, steps=1, step_size=0.3)
    stage.guide, learning = Linear(0), Linear(1)
    images = 0.3 + 0.4 * torch.rand(5, 3, 4, 4)
    sources, targets = torch.tensor([0, 1, 2, 0, 1]), torch.tensor([1, 2, 0, 2, 0])
    moved, confidence = stage.translate(images, sources, targets, learning)

    def arrays(linear):
        layer = linear.layer
        return layer.weight.detach().double().numpy(), layer.bias.detach().double().numpy()

    (w, b), (v, _) = arrays(stage.guide), arrays(learning)

    def softmax(x):
        e = np.exp(x @ w.T + b)
        return e / e.sum(axis=1, keepdims=True)

    x = images.flatten(1).double().numpy()
    gradient = (softmax(x) - np.eye(3)[targets]) @ w + lam * v[sources]
    x = (x - 0.3 * gradient / np.linalg.norm(gradient, axis=1, keepdims=True)).clip(0, 1)
    np.testing.assert_allclose(moved.flatten(1).numpy(), x, atol=1e-5)
    expected = softmax(x)[np.arange(5), targets]
    np.testing.assert_allclose(confidence.numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("lam", [0.0, 0.5])
def test_translation_raises_the_targets_probability_and_stays_in_range(lam, lab):
    model = lab.model(8)
    lab.fit(model, (Joint(),), lab.lesions(8))
    stage = MajorToMinor(lam=lam)
    stage.begin(model)
    model.eval()
    images = torch.rand(20, 3, 8, 8).round()  # at the ends of the range
    sources, targets = torch.zeros(20, dtype=torch.int64), 1 + torch.arange(20) % 7
    with torch.no_grad():
        before = model(images)[0].logits.softmax(dim=1)[torch.arange(20), targets]
    moved, confidence = stage.translate(images, sources, targets, model)
    assert (confidence > before).all()
    assert moved.min() >= 0
    assert moved.max() <= 1
    assert not moved.requires_grad
    with torch.no_grad():
        after = stage.guide(moved)[0].logits.softmax(dim=1)[torch.arange(20), targets]
    torch.testing.assert_close(confidence, after)
    # Ten steps of 0.1 and the noise: no image moves farther.
    assert (moved - images).flatten(1).norm(dim=1).max() <= 10 * 0.1 + m2m.NOISE + 1e-4


def test_what_the_learning_model_still_takes_for_the_source_is_pushed_away(lab):
    images, sources = torch.rand(10, 3, 4, 4), torch.zeros(10, dtype=torch.int64)
    targets, learning = 1 + sources, Linear(1)
    logits = []
    for lam in (0.0, 5.0):
        stage = MajorToMinor(lam=lam)
        stage.guide = Linear(0)
        torch.manual_seed(0)
        moved, _ = stage.translate(images, sources, targets, learning)
        logits.append(learning(moved)[0].logits[:, 0])
    assert (logits[1] < logits[0]).all()


@pytest.mark.parametrize("gamma", [0.0, 1.0])
def test_only_confident_translations_take_the_place_of_a_row(gamma, lab):
    model = lab.model(2)
    stage = MajorToMinor(gamma=gamma, beta=0.0)
    stage.begin(model)
    labels = [0] * 6 + [1] * 6
    step = lab.step(model, labels, counts=[1000.0, 1.0])
    pairs = stage.pairs(np.array(labels), np.array([1000.0, 1.0]), np.random.default_rng(0))
    before = deepcopy(step.batch)
    batch = stage.translated(step)
    assert torch.equal(batch.labels, before.labels)
    assert torch.equal(step.batch.inputs, before.inputs)
    changed = (batch.inputs != before.inputs).flatten(1).any(dim=1)
    expected = torch.zeros(12, dtype=torch.bool)
    if gamma == 0.0:
        assert len(pairs) >= 5
        expected[pairs[:, 0]] = True
    assert torch.equal(changed, expected)
    assert torch.equal(batch.sites, torch.where(expected, -1, before.sites))
    for row, source in pairs[: len(pairs) if gamma == 0.0 else 0]:
        moved = (batch.inputs[row] - before.inputs[source]).norm()
        assert moved <= 10 * 0.1 + m2m.NOISE + 1e-4
    assert model.training
    assert not stage.guide.training


def test_the_guide_is_the_model_at_the_start_of_the_stage_and_stays(lab):
    model, looks = lab.model(2), []

    def validate(model):
        looks.append(lab.snapshot(model))
        return 0.5

    stage = MajorToMinor()
    lab.fit(model, (Joint(), stage), lab.lesions(2), validate=validate)
    for key, tensor in stage.guide.state_dict().items():
        assert torch.equal(tensor, looks[0][key]), key
    assert any(not torch.equal(t, looks[0][k]) for k, t in model.state_dict().items())


def test_gradients_of_a_translation_do_not_reach_the_model(lab):
    model = lab.model(2)
    stage = MajorToMinor(gamma=0.0, beta=0.0)
    stage.begin(model)
    stage.translated(lab.step(model, [0] * 6 + [1] * 6, counts=[1000.0, 1.0]))
    assert all(p.grad is None for p in [*model.parameters(), *stage.guide.parameters()])
