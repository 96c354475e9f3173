"""Losses against other people's implementations, where the definitions meet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import balanced_loss
import cbloss.loss as cbloss
import imbalanced_losses
import pytest
import timm.loss
import torch
from pytorch_metric_learning.losses import CosFaceLoss
from timm.loss.class_weights import compute_class_weights
from torch.nn import functional

from imbalance_derm.losses.cb_focal import ClassBalancedFocal
from imbalance_derm.losses.class_weights import (
    effective_number_weights,
    inverse_frequency_weights,
)
from imbalance_derm.losses.contract import Loss, LossContext
from imbalance_derm.losses.cross_entropy import CrossEntropy, WeightedCrossEntropy
from imbalance_derm.losses.focal import Focal
from imbalance_derm.losses.ldam import LabelDistributionAwareMargin

COUNTS = [400, 60, 3]
SMALL = {"rtol": 2e-6, "atol": 1e-6}  # the libraries keep their weights in float32

Values = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def mean(loss: Loss, counts: list[int] = COUNTS) -> Values:
    context = LossContext(torch.tensor(counts, dtype=torch.float64))
    return lambda logits, labels: loss(logits, labels, context).mean()


def effective_by_class(beta: float) -> Values:
    """weighted_ce, rescaled from a mean weight of 1 over examples to one over classes."""
    counts = torch.tensor(COUNTS, dtype=torch.float64)
    inverse = 1 / (1 - beta**counts)
    factor = (counts / counts.sum() * inverse).sum() / inverse.mean()
    mine = mean(WeightedCrossEntropy(weighting="effective", beta=beta))
    return lambda logits, labels: factor * mine(logits, labels)


def their_class_balanced_focal(beta: float, gamma: float) -> Values:
    base = cbloss.FocalLoss(len(COUNTS), gamma=gamma, reduction="none")
    loss = cbloss.ClassBalancedLoss(COUNTS, beta, len(COUNTS), base)
    loss.weights = loss.weights.cpu()
    return loss


@dataclass(frozen=True)
class Case:
    """Two computations of one number from logits (n, 3) and labels."""

    mine: Values
    theirs: Values


CASES = {
    "ce, timm": Case(mean(CrossEntropy()), timm.loss.LabelSmoothingCrossEntropy(smoothing=0.0)),
    "focal, imbalanced-losses": Case(
        mean(Focal(gamma=1.5, alpha=[0.2, 0.3, 0.5])),
        imbalanced_losses.SoftmaxFocalLoss(alpha=[0.2, 0.3, 0.5], gamma=1.5),
    ),
    "focal, cbloss": Case(mean(Focal(gamma=2.0)), cbloss.FocalLoss(3, gamma=2)),
    "effective, balanced-loss": Case(
        effective_by_class(0.999),
        balanced_loss.Loss("cross_entropy", 0.999, samples_per_class=COUNTS, class_balanced=True),
    ),
    "effective with an absent class, balanced-loss": Case(
        mean(ClassBalancedFocal(gamma=0.0, beta=0.99), [40, 7, 0]),
        balanced_loss.Loss(
            "cross_entropy", 0.99, samples_per_class=[40, 7, 0], class_balanced=True, safe=True
        ),
    ),
    "cb_focal, cbloss": Case(
        mean(ClassBalancedFocal(gamma=2.0, beta=0.9999)), their_class_balanced_focal(0.9999, 2.0)
    ),
    "cb_focal, imbalanced-losses with timm's weights": Case(
        mean(ClassBalancedFocal(gamma=0.5, beta=0.99)),
        imbalanced_losses.SoftmaxFocalLoss(
            alpha=compute_class_weights(COUNTS, sum(COUNTS), "effective_num", beta=0.99)[1],
            gamma=0.5,
        ),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_libraries_agree_in_value_and_gradient(case: Case):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(40, 3, dtype=torch.float64, generator=generator, requires_grad=True)
    labels = torch.arange(40) % 3
    values = [case.mine(logits, labels), case.theirs(logits, labels)]
    torch.testing.assert_close(*values, **SMALL)
    torch.testing.assert_close(*(torch.autograd.grad(v, logits)[0] for v in values), **SMALL)


@pytest.mark.parametrize(("weighting", "power"), [("inverse", 1.0), ("sqrt", 0.5)])
def test_weighted_ce_equals_torch_on_a_batch_that_has_the_fed_shares(weighting, power):
    # PyTorch divides by the weights of the batch: over such a batch that is the fixed scale.
    generator = torch.Generator().manual_seed(0)
    labels = torch.repeat_interleave(torch.arange(3), torch.tensor(COUNTS))
    logits = torch.randn(len(labels), 3, dtype=torch.float64, generator=generator)
    weight = torch.tensor(COUNTS, dtype=torch.float64) ** -power
    mine = mean(WeightedCrossEntropy(weighting=weighting))
    theirs = functional.cross_entropy(logits, labels, weight=weight)
    torch.testing.assert_close(mine(logits, labels), theirs)


@pytest.mark.parametrize(
    ("mine", "method", "options"),
    [
        (lambda n: effective_number_weights(n, 0.9999), "effective_num", {"beta": 0.9999}),
        (lambda n: inverse_frequency_weights(n, 1.0), "inv_freq", {"power": 1.0}),
        (lambda n: inverse_frequency_weights(n, 0.5), "inv_freq", {"power": 0.5}),
    ],
)
def test_class_weights_equal_timms(mine, method, options):
    _, theirs = compute_class_weights(COUNTS, sum(COUNTS), method, **options)
    torch.testing.assert_close(mine(torch.tensor(COUNTS, dtype=torch.float32)), theirs, **SMALL)


def test_binary_cb_focal_equals_the_sum_of_sigmoids_of_balanced_loss():
    # On logits (-z, z) both of the sigmoid terms are that of sigmoid(z), which is the softmax of
    # (-z/2, z/2): the paper's sum over classes is twice the term of the softmax.
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(30, 1, dtype=torch.float64, generator=generator)
    logits, labels = torch.cat([-z, z], dim=1), torch.arange(30) % 2
    theirs = balanced_loss.Loss(
        "focal_loss", 0.999, fl_gamma=2, samples_per_class=[50, 5], class_balanced=True
    )
    mine = mean(ClassBalancedFocal(gamma=2.0, beta=0.999), [50, 5])
    torch.testing.assert_close(2 * mine(logits / 2, labels), theirs(logits, labels), **SMALL)


def test_ldam_on_equal_counts_equals_cosface_of_pytorch_metric_learning():
    torch.manual_seed(0)
    theirs = CosFaceLoss(num_classes=3, embedding_size=6, margin=0.5, scale=30).double()
    features, labels = torch.randn(20, 6, dtype=torch.float64), torch.arange(20) % 3
    cosines = functional.normalize(features) @ functional.normalize(theirs.W, dim=0)
    mine = mean(LabelDistributionAwareMargin(max_margin=0.5, scale=30.0), [70, 70, 70])
    torch.testing.assert_close(mine(cosines, labels), theirs(features, labels))
