"""Asymmetric loss against its formula, timm, and the losses that it contains."""

from __future__ import annotations

import math

import pytest
import torch
from timm.loss import AsymmetricLossSingleLabel, LabelSmoothingCrossEntropy
from torch.nn import functional

from imbalance_derm.losses.asymmetric import Asymmetric
from imbalance_derm.losses.contract import LossContext
from imbalance_derm.losses.focal import Focal

CONTEXT = LossContext(torch.ones(4))


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(12, 4, dtype=torch.float64, generator=generator)
    return logits.requires_grad_(), torch.arange(12) % 4


@pytest.mark.parametrize(
    ("gamma_neg", "gamma_pos", "smoothing"),
    [(4.0, 0.0, 0.1), (4.0, 1.0, 0.1), (2.0, 3.0, 0.3), (0.5, 0.5, 0.1)],
)
def test_value_equals_the_formula_and_timm(gamma_neg, gamma_pos, smoothing):
    logits, labels = batch()
    loss = Asymmetric(gamma_neg=gamma_neg, gamma_pos=gamma_pos, smoothing=smoothing)
    expected = []
    for row, label in zip(logits.tolist(), labels.tolist(), strict=True):
        total = sum(map(math.exp, row))
        value = 0.0
        for k, z in enumerate(row):
            p = math.exp(z) / total
            target = smoothing / len(row) + (1 - smoothing) * (k == label)
            weight = (1 - p) ** gamma_pos if k == label else p**gamma_neg
            value -= target * weight * math.log(p)
        expected.append(value)
    values = loss(logits, labels, CONTEXT)
    torch.testing.assert_close(values, torch.tensor(expected, dtype=torch.float64))
    assert torch.autograd.gradcheck(lambda z: loss(z, labels, CONTEXT), (logits,))
    theirs = AsymmetricLossSingleLabel(
        gamma_pos=gamma_pos, gamma_neg=gamma_neg, eps=smoothing, reduction="none"
    )
    torch.testing.assert_close(values, theirs(logits, labels))


def test_it_contains_cross_entropy_label_smoothing_and_the_focal_loss():
    logits, labels = batch()
    plain = functional.cross_entropy(logits, labels, reduction="none")
    nothing = Asymmetric(gamma_neg=0.0, gamma_pos=0.0, smoothing=0.0)
    torch.testing.assert_close(nothing(logits, labels, CONTEXT), plain)
    smoothed = Asymmetric(gamma_neg=0.0, gamma_pos=0.0, smoothing=0.2)
    theirs = LabelSmoothingCrossEntropy(0.2)(logits, labels)
    torch.testing.assert_close(smoothed(logits, labels, CONTEXT).mean(), theirs)
    focal = Asymmetric(gamma_pos=2.0, smoothing=0.0)(logits, labels, CONTEXT)
    torch.testing.assert_close(focal, Focal(gamma=2.0)(logits, labels, CONTEXT))


@pytest.mark.parametrize("gamma", [0.0, 0.5, 4.0])
@pytest.mark.parametrize("classes", [1, 2, 8])
def test_extreme_logits_stay_finite(gamma, classes):
    logits = torch.full((classes, classes), -100.0)
    logits[:, 0] = 100.0
    logits.requires_grad_()
    loss = Asymmetric(gamma_neg=gamma, gamma_pos=gamma)
    values = loss(logits, torch.arange(classes), LossContext(torch.ones(classes)))
    values.sum().backward()
    assert torch.isfinite(values).all()
    assert torch.isfinite(logits.grad).all()
