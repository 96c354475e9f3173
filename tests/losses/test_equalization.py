"""Softmax equalization loss: which terms are left out of the denominator, and how often."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from imbalance_derm.losses.contract import LossContext
from imbalance_derm.losses.equalization import Equalization

CONTEXT = LossContext(torch.tensor([60.0, 30.0, 6.0, 4.0], dtype=torch.float64))
"""With four classes and threshold 0.3 a class is rare below 7.5 percent: the last two."""


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(12, 4, dtype=torch.float64, generator=generator)
    return logits.requires_grad_(), torch.arange(12) % 4


def without(row: list[float], label: int, left_out: set[int]) -> float:
    kept = [z for k, z in enumerate(row) if k == label or k not in left_out]
    return math.log(sum(map(math.exp, kept))) - row[label]


def test_rare_classes_are_left_out_unless_they_are_the_label():
    logits, labels = batch()
    loss = Equalization(threshold=0.3, gamma=1.0)
    expected = [
        without(row, int(label), {2, 3}) for row, label in zip(logits.tolist(), labels, strict=True)
    ]
    values = loss(logits, labels, CONTEXT)
    torch.testing.assert_close(values, torch.tensor(expected, dtype=torch.float64))
    assert torch.autograd.gradcheck(lambda z: loss(z, labels, CONTEXT), (logits,))
    values[labels < 2].sum().backward()
    assert (logits.grad[:, 2:] == 0).all()


def test_the_threshold_is_relative_to_an_even_split():
    logits, labels = batch()
    for threshold, rare in ((0.15, set()), (0.17, {3}), (0.25, {2, 3}), (1.25, {1, 2, 3})):
        expected = [
            without(row, int(label), rare)
            for row, label in zip(logits.tolist(), labels, strict=True)
        ]
        values = Equalization(threshold=threshold, gamma=1.0)(logits, labels, CONTEXT)
        torch.testing.assert_close(values, torch.tensor(expected, dtype=torch.float64))


@pytest.mark.parametrize("parameters", [{"threshold": 0.0}, {"gamma": 0.0}])
def test_it_collapses_into_cross_entropy(parameters):
    logits, labels = batch()
    values = Equalization(**parameters)(logits, labels, CONTEXT)
    plain = functional.cross_entropy(logits, labels, reduction="none")
    torch.testing.assert_close(values, plain)


def test_each_rare_class_is_left_out_with_probability_gamma_and_independently():
    torch.manual_seed(0)
    logits, labels = torch.zeros(20000, 4, dtype=torch.float64), torch.zeros(20000).long()
    values = Equalization(threshold=0.3, gamma=0.8)(logits, labels, CONTEXT)
    kept = values.exp().round().long() - 2  # of the two rare classes, beside two frequent ones
    shares = torch.bincount(kept, minlength=3) / len(kept)
    torch.testing.assert_close(shares, torch.tensor([0.64, 0.32, 0.04]), atol=0.015, rtol=0)


@pytest.mark.parametrize("classes", [1, 2, 8])
def test_extreme_logits_and_a_class_never_fed_stay_finite(classes):
    logits = torch.full((classes, classes), -100.0)
    logits[:, 0] = 100.0
    logits.requires_grad_()
    counts = torch.ones(classes)
    counts[-1] = 0.0 if classes > 1 else 1.0
    values = Equalization(gamma=1.0)(logits, torch.arange(classes), LossContext(counts))
    values.sum().backward()
    assert torch.isfinite(values).all()
    assert torch.isfinite(logits.grad).all()


def test_it_looks_at_what_is_fed():
    assert Equalization.counts == "fed"
