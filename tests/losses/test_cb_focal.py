"""Class-balanced focal loss against its formula and the losses it collapses into."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight

from imbalance_derm.losses.cb_focal import ClassBalancedFocal
from imbalance_derm.losses.contract import ClassCounts, LossContext, apply_loss
from imbalance_derm.losses.cross_entropy import CrossEntropy, WeightedCrossEntropy
from imbalance_derm.losses.focal import Focal

COUNTS = [90.0, 9.0, 1.0]
CONTEXT = LossContext(torch.tensor(COUNTS, dtype=torch.float64))


def batch(n: int = 12) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(n, 3, dtype=torch.float64, generator=generator)
    return logits, torch.arange(n) % 3


def formula(row: list[float], label: int, gamma: float, beta: float) -> float:
    inverse = [(1 - beta) / (1 - beta**n) for n in COUNTS]
    p = math.exp(row[label]) / sum(map(math.exp, row))
    return -3 * inverse[label] / sum(inverse) * (1 - p) ** gamma * math.log(p)


@pytest.mark.parametrize(("gamma", "beta"), [(2.0, 0.9999), (0.5, 0.9), (1.0, 0.0)])
def test_value_and_gradient_equal_the_formula(gamma, beta):
    loss = ClassBalancedFocal(gamma=gamma, beta=beta)
    logits, labels = batch()
    rows = zip(logits.tolist(), labels.tolist(), strict=True)
    expected = torch.tensor([formula(r, y, gamma, beta) for r, y in rows], dtype=torch.float64)
    torch.testing.assert_close(loss(logits, labels, CONTEXT), expected)
    logits.requires_grad_(True)
    assert torch.autograd.gradcheck(lambda z: loss(z, labels, CONTEXT), (logits,))


def test_the_defaults_are_the_published_ones():
    loss = ClassBalancedFocal()
    assert (loss.focal.gamma, loss.beta) == (2.0, 0.9999)


def test_beta_0_is_focal_loss():
    logits, labels = batch()
    mine = ClassBalancedFocal(gamma=1.5, beta=0.0)(logits, labels, CONTEXT)
    torch.testing.assert_close(mine, Focal(gamma=1.5)(logits, labels, CONTEXT))


def test_it_is_focal_loss_where_what_is_fed_is_balanced():
    logits, labels = batch()
    counts = ClassCounts(real=torch.tensor(COUNTS), fed=torch.full((3,), 40.0))
    mine, plain = (
        apply_loss(loss, logits, labels, counts) for loss in (ClassBalancedFocal(), Focal())
    )
    torch.testing.assert_close(mine, plain)


def test_gamma_0_is_effective_number_cross_entropy_up_to_its_fixed_scale():
    logits, labels = batch()
    mine = ClassBalancedFocal(gamma=0.0, beta=0.99)(logits, labels, CONTEXT)
    weighted = WeightedCrossEntropy(weighting="effective", beta=0.99)(logits, labels, CONTEXT)
    ratio = mine / weighted
    torch.testing.assert_close(ratio, ratio[:1].expand_as(ratio))
    both = ClassBalancedFocal(gamma=0.0, beta=0.0)(logits, labels, CONTEXT)
    torch.testing.assert_close(both, CrossEntropy()(logits, labels, CONTEXT))


def test_the_weights_sum_to_the_number_of_classes_that_are_fed():
    context = LossContext(torch.tensor([50.0, 0.0, 5.0], dtype=torch.float64))
    loss, logits = ClassBalancedFocal(), torch.zeros(3, 3, dtype=torch.float64)
    values = loss(logits, torch.arange(3), context)
    plain = Focal()(logits, torch.arange(3), context)
    assert values[1] == 0
    torch.testing.assert_close((values / plain).sum(), torch.tensor(2.0, dtype=torch.float64))


@pytest.mark.parametrize("counts", [(727, 173), (900 - 173, 900), (6705, 1113, 115)])
def test_with_beta_next_to_1_the_weights_are_the_balanced_ones_of_scikit_learn(counts):
    """As the MelaNet suite sets it; the scale of all of them together is another."""
    labels = np.repeat(np.arange(len(counts)), counts)
    balanced = compute_class_weight("balanced", classes=np.unique(labels), y=labels)
    context = LossContext(torch.tensor(counts, dtype=torch.float32))
    logits, each = torch.zeros(len(counts), len(counts)), torch.arange(len(counts))
    values = ClassBalancedFocal(beta=0.999999999)(logits, each, context)
    weights = (values / Focal()(logits, each, context)).numpy()
    np.testing.assert_allclose(weights / weights.sum(), balanced / balanced.sum(), rtol=1e-4)


def test_melanets_alpha_drops_out_of_its_two_output_form():
    """Counted with alpha for one output and 1 - alpha for the other, as in the public code."""
    alpha, gamma = 0.25, 2.0
    logits = torch.randn(9, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    labels = torch.arange(9) % 2
    p = torch.softmax(logits, dim=1)
    truth = torch.nn.functional.one_hot(labels, 2).bool()
    positive = alpha * (1 - p) ** gamma * -torch.log(p)
    negative = (1 - alpha) * p**gamma * -torch.log(1 - p)
    theirs = torch.where(truth, positive, negative).sum(dim=1)
    ours = Focal(gamma=gamma)(logits, labels, LossContext(torch.tensor([5.0, 4.0])))
    torch.testing.assert_close(theirs, ours)
