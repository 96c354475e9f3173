"""Poly-1 loss against its formula, its series and timm."""

from __future__ import annotations

import math

import pytest
import torch
from timm.loss import PolyCrossEntropy
from torch.nn import functional

from imbalance_derm.losses.contract import LossContext
from imbalance_derm.losses.poly1 import Poly1

CONTEXT = LossContext(torch.ones(4))


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(12, 4, dtype=torch.float64, generator=generator)
    return logits.requires_grad_(), torch.arange(12) % 4


@pytest.mark.parametrize("epsilon", [-1.0, 0.5, 2.0])
def test_value_equals_the_formula_and_timm(epsilon):
    logits, labels = batch()
    loss = Poly1(epsilon=epsilon)
    expected = []
    for row, label in zip(logits.tolist(), labels.tolist(), strict=True):
        p = math.exp(row[label]) / sum(map(math.exp, row))
        expected.append(-math.log(p) + epsilon * (1 - p))
    values = loss(logits, labels, CONTEXT)
    torch.testing.assert_close(values, torch.tensor(expected, dtype=torch.float64))
    assert torch.autograd.gradcheck(lambda z: loss(z, labels, CONTEXT), (logits,))
    theirs = PolyCrossEntropy(epsilon=epsilon, reduction="none")(logits, labels)  # in float32
    torch.testing.assert_close(values.float(), theirs)


def test_epsilon_changes_the_first_coefficient_of_the_series():
    logits, labels = batch()
    p = logits.softmax(dim=1).gather(1, labels[:, None]).squeeze(1)
    series = sum((1 - p) ** k / k for k in range(2, 3000)) + (1 + 0.7) * (1 - p)
    torch.testing.assert_close(Poly1(epsilon=0.7)(logits, labels, CONTEXT), series)


def test_epsilon_0_is_cross_entropy():
    logits, labels = batch()
    plain = functional.cross_entropy(logits, labels, reduction="none")
    torch.testing.assert_close(Poly1(epsilon=0.0)(logits, labels, CONTEXT), plain)


@pytest.mark.parametrize("classes", [1, 2, 8])
def test_extreme_logits_stay_finite(classes):
    logits = torch.full((classes, classes), -100.0)
    logits[:, 0] = 100.0
    logits.requires_grad_()
    values = Poly1()(logits, torch.arange(classes), LossContext(torch.ones(classes)))
    values.sum().backward()
    assert torch.isfinite(values).all()
    assert torch.isfinite(logits.grad).all()
