"""Balanced softmax against SciPy's weighted log-sum-exp, logit adjustment and Bayes' rule."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import logsumexp

from imbalance_derm.losses.balanced_softmax import BalancedSoftmax
from imbalance_derm.losses.contract import ClassCounts, LossContext, apply_loss
from imbalance_derm.losses.cross_entropy import CrossEntropy
from imbalance_derm.losses.logit_adjustment import LogitAdjustment

COUNTS = [90.0, 9.0, 1.0]


def batch(n: int = 12) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(n, 3, dtype=torch.float64, generator=generator)
    return logits, torch.arange(n) % 3


def context(counts: list[float]) -> LossContext:
    return LossContext(torch.tensor(counts, dtype=torch.float64))


def test_value_and_gradient_equal_the_formula():
    logits, labels = batch()
    z, y, n = logits.numpy(), labels.numpy(), np.array(COUNTS)
    expected = logsumexp(z, b=n, axis=1) - z[np.arange(len(y)), y] - np.log(n[y])
    values = BalancedSoftmax()(logits, labels, context(COUNTS))
    torch.testing.assert_close(values, torch.from_numpy(expected))
    logits.requires_grad_(True)
    loss = BalancedSoftmax()
    assert torch.autograd.gradcheck(lambda v: loss(v, labels, context(COUNTS)), (logits,))


@pytest.mark.parametrize("counts", [COUNTS, [5.0, 0.0, 20.0], [7.0, 7.0, 7.0]])
def test_it_is_logit_adjustment_of_strength_1_on_the_same_counts(counts):
    logits, labels = batch()
    mine = BalancedSoftmax()(logits, labels, context(counts))
    torch.testing.assert_close(mine, LogitAdjustment(tau=1.0)(logits, labels, context(counts)))
    assert BalancedSoftmax.counts == LogitAdjustment.counts


def test_it_is_cross_entropy_where_what_is_fed_is_balanced():
    logits, labels = batch()
    counts = ClassCounts(real=torch.tensor(COUNTS), fed=torch.full((3,), 90.0))
    values = apply_loss(BalancedSoftmax(), logits, labels, counts)
    torch.testing.assert_close(
        values, CrossEntropy()(logits.float(), labels, LossContext(counts.fed))
    )


def test_its_minimum_is_the_posterior_of_a_balanced_population():
    # One image that 6 of 90, 2 of 9 and 1 of 1 of the classes look like: p(x | c) up to a factor.
    likelihood = torch.tensor([6 / 90, 2 / 9, 1.0], dtype=torch.float64)
    logits = likelihood.log().expand(9, 3).clone().requires_grad_(True)
    labels = torch.tensor([0] * 6 + [1] * 2 + [2])
    gradient = torch.autograd.grad(
        BalancedSoftmax()(logits, labels, context(COUNTS)).sum(), logits
    )[0].sum(dim=0)
    torch.testing.assert_close(gradient, torch.zeros(3, dtype=torch.float64))
