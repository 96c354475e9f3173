"""Cross-entropy with the real images' prior: its formula, and whose counts it takes."""

from __future__ import annotations

import math

import torch

from imbalance_derm.losses.balanced_softmax import BalancedSoftmax
from imbalance_derm.losses.contract import ClassCounts, LossContext, apply_loss
from imbalance_derm.losses.prior_ce import PriorCrossEntropy

COUNTS = [90.0, 9.0, 1.0]


def batch(n: int = 12) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(n, 3, dtype=torch.float64, generator=generator)
    return logits, torch.arange(n) % 3


def formula(row: list[float], label: int) -> float:
    prior = [c / sum(COUNTS) for c in COUNTS]
    total = sum(p * math.exp(z) for p, z in zip(prior, row, strict=True))
    return -math.log(prior[label] * math.exp(row[label]) / total)


def test_value_and_gradient_equal_the_formula():
    loss, (logits, labels) = PriorCrossEntropy(), batch()
    context = LossContext(torch.tensor(COUNTS, dtype=torch.float64))
    rows = zip(logits.tolist(), labels.tolist(), strict=True)
    expected = torch.tensor([formula(row, label) for row, label in rows], dtype=torch.float64)
    torch.testing.assert_close(loss(logits, labels, context), expected)
    logits.requires_grad_(True)
    assert torch.autograd.gradcheck(lambda z: loss(z, labels, context), (logits,))


def test_it_differs_from_balanced_softmax_only_in_whose_prior_it_takes():
    logits, labels = batch()
    real, fed = torch.tensor(COUNTS), torch.tensor([30.0, 40.0, 30.0])
    mine, theirs = PriorCrossEntropy(), BalancedSoftmax()
    swapped = ClassCounts(real=fed, fed=real)
    torch.testing.assert_close(
        apply_loss(mine, logits, labels, ClassCounts(real=real, fed=fed)),
        apply_loss(theirs, logits, labels, swapped),
    )
    both = ClassCounts(real=real, fed=fed)
    difference = apply_loss(mine, logits, labels, both) - apply_loss(theirs, logits, labels, both)
    assert difference.abs().min() > 0.01
