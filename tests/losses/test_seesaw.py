"""Seesaw loss against the paper's formula in plain Python, value and gradient."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from imbalance_derm.losses.contract import LossContext
from imbalance_derm.losses.seesaw import Seesaw

COUNTS = [90.0, 9.0, 1.0]


def context(counts: list[float] = COUNTS) -> LossContext:
    return LossContext(torch.tensor(counts, dtype=torch.float64))


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(12, 3, dtype=torch.float64, generator=generator)
    return logits.requires_grad_(), torch.arange(12) % 3


def seesaw_weights(row: list[float], i: int, p: float, q: float) -> list[float]:
    total = sum(map(math.exp, row))
    sigma = [math.exp(z) / total for z in row]
    weights = []
    for j in range(len(row)):
        mitigation = (COUNTS[j] / COUNTS[i]) ** p if COUNTS[i] > COUNTS[j] else 1.0
        compensation = (sigma[j] / sigma[i]) ** q if sigma[j] > sigma[i] else 1.0
        weights.append(mitigation * compensation)
    return weights


@pytest.mark.parametrize(("p", "q"), [(0.8, 2.0), (0.8, 0.0), (0.0, 2.0), (1.5, 0.7)])
def test_value_and_gradient_equal_the_formula(p, q):
    logits, labels = batch()
    values = Seesaw(p=p, q=q)(logits, labels, context())
    values.sum().backward()
    expected, gradients = [], []
    for row, label in zip(logits.tolist(), labels.tolist(), strict=True):
        weights = seesaw_weights(row, label, p, q)
        terms = [w * math.exp(z) for w, z in zip(weights, row, strict=True)]
        expected.append(math.log(sum(terms)) - row[label])
        # The weights are constants for the gradient.
        gradients.append([t / sum(terms) - (j == label) for j, t in enumerate(terms)])
    torch.testing.assert_close(values, torch.tensor(expected, dtype=torch.float64))
    torch.testing.assert_close(logits.grad, torch.tensor(gradients, dtype=torch.float64))


def test_the_mitigation_alone_has_the_gradient_of_its_value():
    logits, labels = batch()
    loss = Seesaw(q=0.0)
    assert torch.autograd.gradcheck(lambda z: loss(z, labels, context()), (logits,))


def test_it_collapses_into_cross_entropy():
    logits, labels = batch()
    plain = functional.cross_entropy(logits, labels, reduction="none")
    torch.testing.assert_close(Seesaw(p=0.0, q=0.0)(logits, labels, context()), plain)
    torch.testing.assert_close(Seesaw(q=0.0)(logits, labels, context([7.0, 7.0, 7.0])), plain)
    right = functional.one_hot(labels, 3).double() * 5  # nothing is mistaken for the label
    plain = functional.cross_entropy(right, labels, reduction="none")
    torch.testing.assert_close(Seesaw(p=0.0)(right, labels, context()), plain)


def test_only_ratios_of_counts_matter_and_a_class_never_fed_counts_as_one_image():
    logits, labels = batch()
    once = Seesaw()(logits, labels, context())
    torch.testing.assert_close(Seesaw()(logits, labels, context([180.0, 18.0, 2.0])), once)
    torch.testing.assert_close(Seesaw()(logits, labels, context([90.0, 9.0, 0.0])), once)


def test_the_compensation_of_an_example_far_off_is_bounded():
    logits = torch.tensor([[0.0, 40.0]], dtype=torch.float64)
    value = Seesaw(p=0.0, q=2.0)(logits, torch.tensor([0]), context([1.0, 1.0]))
    # 1 / 0.01 to the power of 2 in place of exp(40) to the power of 2.
    expected = math.log(1 + 1e4 * math.exp(40.0))
    torch.testing.assert_close(value, torch.tensor([expected], dtype=torch.float64))


@pytest.mark.parametrize("classes", [1, 2, 8])
def test_extreme_logits_stay_finite(classes):
    logits = torch.full((classes, classes), -100.0)
    logits[:, 0] = 100.0
    logits.requires_grad_()
    counts = LossContext(torch.arange(classes).float())
    values = Seesaw()(logits, torch.arange(classes), counts)
    values.sum().backward()
    assert torch.isfinite(values).all()
    assert torch.isfinite(logits.grad).all()


def test_it_looks_at_what_is_fed():
    assert Seesaw.counts == "fed"
