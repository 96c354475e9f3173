"""Vector scaling against the pairwise form of the paper, and its corners."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from imbalance_derm.losses.contract import LossContext
from imbalance_derm.losses.cross_entropy import CrossEntropy
from imbalance_derm.losses.logit_adjustment import LogitAdjustment
from imbalance_derm.losses.vs import VectorScaling

COUNTS = [90.0, 9.0, 1.0]
CONTEXT = LossContext(torch.tensor(COUNTS, dtype=torch.float64))


def batch(n: int = 12) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(n, 3, dtype=torch.float64, generator=generator)
    return logits, torch.arange(n) % 3


def formula(row: list[float], y: int, gamma: float, tau: float) -> float:
    delta = [(n / 90) ** gamma for n in COUNTS]
    iota = [tau * math.log(n / 100) for n in COUNTS]
    others = (c for c in range(3) if c != y)
    return math.log1p(
        sum(
            math.exp(iota[c] - iota[y]) * math.exp(delta[c] * row[c] - delta[y] * row[y])
            for c in others
        )
    )


@pytest.mark.parametrize(("gamma", "tau"), [(0.3, 1.0), (0.15, 1.25), (1.0, 0.0), (0.0, 2.0)])
def test_value_and_gradient_equal_the_formula(gamma, tau):
    loss = VectorScaling(gamma=gamma, tau=tau)
    logits, labels = batch()
    rows = zip(logits.tolist(), labels.tolist(), strict=True)
    expected = torch.tensor([formula(r, y, gamma, tau) for r, y in rows], dtype=torch.float64)
    torch.testing.assert_close(loss(logits, labels, CONTEXT), expected)
    logits.requires_grad_(True)
    assert torch.autograd.gradcheck(lambda z: loss(z, labels, CONTEXT), (logits,))


def test_the_defaults_are_the_published_ones():
    assert (VectorScaling().gamma, VectorScaling().tau) == (0.3, 1.0)


def test_both_0_is_cross_entropy():
    logits, labels = batch()
    mine = VectorScaling(gamma=0.0, tau=0.0)(logits, labels, CONTEXT)
    torch.testing.assert_close(mine, CrossEntropy()(logits, labels, CONTEXT))


@pytest.mark.parametrize("counts", [COUNTS, [5.0, 0.0, 20.0]])
def test_gamma_0_is_logit_adjustment(counts):
    logits, labels = batch()
    context = LossContext(torch.tensor(counts, dtype=torch.float64))
    mine = VectorScaling(gamma=0.0, tau=1.3)(logits, labels, context)
    torch.testing.assert_close(mine, LogitAdjustment(tau=1.3)(logits, labels, context))
    assert VectorScaling.counts == LogitAdjustment.counts


def test_tau_0_is_cdt_a_temperature_per_class():
    logits, labels = batch()
    temperature = torch.tensor([(90 / n) ** 0.4 for n in COUNTS], dtype=torch.float64)
    theirs = functional.cross_entropy(logits / temperature, labels, reduction="none")
    torch.testing.assert_close(VectorScaling(gamma=0.4, tau=0.0)(logits, labels, CONTEXT), theirs)


def test_under_cdt_the_rarer_class_has_to_lead_by_more():
    # A hundredth of the images and gamma 1/2: a tenth of the factor, ten times the lead.
    loss, context = VectorScaling(gamma=0.5, tau=0.0), LossContext(torch.tensor([100.0, 1.0]))
    frequent, rare = loss(torch.tensor([[1.0, 0.0], [0.0, 10.0]]), torch.tensor([0, 1]), context)
    torch.testing.assert_close(frequent, rare)


def test_a_class_that_is_never_fed_keeps_a_gradient():
    logits, labels = batch()
    logits.requires_grad_(True)
    context = LossContext(torch.tensor([9.0, 3.0, 0.0], dtype=torch.float64))
    VectorScaling(tau=0.0)(logits, labels, context).sum().backward()
    assert logits.grad is not None
    assert logits.grad[:, 2].abs().min() > 0
