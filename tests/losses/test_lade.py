"""LADE against its formula in plain Python, and the properties of a Donsker-Varadhan bound."""

from __future__ import annotations

import math

import pytest
import torch

from imbalance_derm.losses.balanced_softmax import BalancedSoftmax
from imbalance_derm.losses.contract import ClassCounts, LossContext, apply_loss
from imbalance_derm.losses.lade import LabelDistributionDisentangling as Lade

COUNTS = [90.0, 9.0, 1.0]


def batch(labels: list[int], classes: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(len(labels), classes, dtype=torch.float64, generator=generator)
    return logits, torch.tensor(labels)


def context(counts: list[float]) -> LossContext:
    return LossContext(torch.tensor(counts, dtype=torch.float64))


def formula(rows: list[list[float]], labels: list[int], strength: float, weight: float):
    prior, n, classes = [c / sum(COUNTS) for c in COUNTS], len(rows), len(COUNTS)
    regulariser = 0.0
    for c in range(classes):
        own = [row[c] for row, y in zip(rows, labels, strict=True) if y == c]
        first = sum(own) / len(own) if own else 0.0
        second = math.log(sum(math.exp(row[c]) / prior[c] / classes for row in rows) / n)
        regulariser -= prior[c] * (first - second - strength * second**2)
    values = []
    for row, y in zip(rows, labels, strict=True):
        total = sum(p * math.exp(z) for p, z in zip(prior, row, strict=True))
        values.append(-math.log(prior[y] * math.exp(row[y]) / total) + weight * regulariser)
    return values


@pytest.mark.parametrize("labels", [[0, 1, 2, 0, 1, 0], [0, 0, 2, 0], [1]])
@pytest.mark.parametrize(("strength", "weight"), [(0.1, 0.1), (0.5, 2.0), (0.0, 1.0)])
def test_value_and_gradient_equal_the_formula(labels, strength, weight):
    loss = Lade(remine_lambda=strength, estim_loss_weight=weight)
    logits, y = batch(labels)
    expected = formula(logits.tolist(), labels, strength, weight)
    values = loss(logits, y, context(COUNTS))
    torch.testing.assert_close(values, torch.tensor(expected, dtype=torch.float64))
    logits.requires_grad_(True)
    assert torch.autograd.gradcheck(lambda z: loss(z, y, context(COUNTS)), (logits,))


def test_the_defaults_are_the_published_ones():
    assert (Lade().remine_lambda, Lade().estim_loss_weight) == (0.1, 0.1)


def test_without_its_bound_it_is_balanced_softmax_on_the_fed_counts():
    logits, labels = batch([0, 1, 2, 0, 1])
    counts = ClassCounts(real=torch.tensor(COUNTS), fed=torch.tensor([30.0, 50.0, 20.0]))
    torch.testing.assert_close(
        apply_loss(Lade(estim_loss_weight=0.0), logits, labels, counts),
        apply_loss(BalancedSoftmax(), logits, labels, counts),
    )


def regulariser(logits: torch.Tensor, labels: torch.Tensor, counts: list[float], strength: float):
    """The batch's part of the loss alone."""
    with_it, without = (
        Lade(remine_lambda=strength, estim_loss_weight=weight)(logits, labels, context(counts))
        for weight in (1.0, 0.0)
    )
    part = with_it - without
    torch.testing.assert_close(part, part[:1].expand_as(part))
    return part[0]


def test_the_bound_ignores_a_constant_unless_regularised():
    logits, labels = batch([0, 1, 2, 0])
    moved = logits + torch.tensor([3.0, -2.0, 0.5], dtype=torch.float64)
    first, second = (regulariser(z, labels, COUNTS, 0.0) for z in (logits, moved))
    torch.testing.assert_close(first, second)
    first, second = (regulariser(z, labels, COUNTS, 0.1) for z in (logits, moved))
    assert (second - first).abs() > 0.1


def test_the_bound_is_below_the_divergence_and_separation_reaches_it():
    # Of a balanced batch each class is 1/4: the divergence of its rows from all rows is log 4.
    labels = [0, 1, 2, 3] * 3
    limit = math.log(4)
    for scale in (0.1, 1.0, 5.0):
        logits, y = batch(labels, classes=4)
        assert -regulariser(scale * logits, y, [1.0] * 4, 0.0) < limit
    y = torch.tensor(labels)
    separated = torch.where(torch.nn.functional.one_hot(y, 4) > 0, limit, -60.0).double()
    reached = torch.tensor(limit, dtype=torch.float64)
    torch.testing.assert_close(-regulariser(separated, y, [1.0] * 4, 0.0), reached)
    # At log density ratios the regulariser costs nothing.
    torch.testing.assert_close(-regulariser(separated, y, [1.0] * 4, 0.7), reached)


def test_separation_is_the_optimum_under_imbalance_too():
    # log p(x | c) / p(x) in a population of equal shares is log 3 for the own class; the batch
    # has the classes' shares in training, 4 : 2 : 1.
    labels, counts = [0, 0, 0, 0, 1, 1, 2], [4.0, 2.0, 1.0]
    own = torch.nn.functional.one_hot(torch.tensor(labels), 3).double()
    logits = (own * math.log(3) + (own - 1) * 60.0).requires_grad_(True)
    value = regulariser(logits, torch.tensor(labels), counts, 0.1)
    gradient = torch.autograd.grad(value, logits)[0]
    torch.testing.assert_close(gradient, torch.zeros_like(gradient))


def test_a_class_that_is_never_fed_has_no_bound():
    logits, labels = batch([0, 1, 0, 1])
    logits.requires_grad_(True)
    value = regulariser(logits, labels, [6.0, 2.0, 0.0], 0.1)
    gradient = torch.autograd.grad(value, logits)[0]
    assert torch.equal(gradient[:, 2], torch.zeros(4, dtype=torch.float64))
    assert gradient[:, :2].abs().min() > 0
