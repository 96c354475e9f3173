"""LDAM against its formula, and where it collapses into cross-entropy."""

from __future__ import annotations

import math

import pytest
import torch

from imbalance_derm.errors import InputError
from imbalance_derm.losses.contract import ClassCounts, LossContext, apply_loss
from imbalance_derm.losses.cross_entropy import CrossEntropy
from imbalance_derm.losses.ldam import LabelDistributionAwareMargin
from imbalance_derm.registry.parameters import create

COUNTS = [625.0, 81.0, 16.0]


def cosines(n: int = 12) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = 2 * torch.rand(n, 3, dtype=torch.float64, generator=generator) - 1
    return logits, torch.arange(n) % 3


def context(counts: list[float]) -> LossContext:
    return LossContext(torch.tensor(counts, dtype=torch.float64))


def formula(row: list[float], label: int, max_margin: float, scale: float) -> float:
    roots = {625.0: 5, 81.0: 3, 16.0: 2}
    constant = max_margin * 2  # the rarest class has 16 images, 16 ** (1/4) = 2
    margin = constant / roots[COUNTS[label]]
    moved = [scale * (z - margin * (c == label)) for c, z in enumerate(row)]
    top = max(moved)
    return top + math.log(sum(math.exp(z - top) for z in moved)) - moved[label]


@pytest.mark.parametrize(("max_margin", "scale"), [(0.5, 30.0), (0.2, 1.0), (3.0, 0.5)])
def test_value_and_gradient_equal_the_formula(max_margin, scale):
    loss = LabelDistributionAwareMargin(max_margin=max_margin, scale=scale)
    logits, labels = cosines()
    rows = zip(logits.tolist(), labels.tolist(), strict=True)
    expected = [formula(row, label, max_margin, scale) for row, label in rows]
    values = loss(logits, labels, context(COUNTS))
    torch.testing.assert_close(values, torch.tensor(expected, dtype=torch.float64))
    logits.requires_grad_(True)
    assert torch.autograd.gradcheck(lambda z: loss(z, labels, context(COUNTS)), (logits,))


def test_the_defaults_are_the_published_ones():
    loss = LabelDistributionAwareMargin()
    assert (loss.max_margin, loss.scale) == (0.5, 30.0)


def test_margin_0_and_scale_1_is_cross_entropy():
    logits, labels = cosines()
    loss = LabelDistributionAwareMargin(max_margin=0.0, scale=1.0)
    plain = CrossEntropy()(logits, labels, context(COUNTS))
    assert torch.equal(loss(logits, labels, context(COUNTS)), plain)


def test_the_loss_of_a_row_is_level_where_its_logit_leads_by_the_margin():
    # Two classes: the loss is log 2 exactly where the lead is the class's margin.
    counts = context([10_000.0, 1.0])
    loss = LabelDistributionAwareMargin(max_margin=0.5, scale=30.0)
    leads = torch.tensor([[0.05, 0.0], [0.0, 0.5]], dtype=torch.float64)
    values = loss(leads, torch.tensor([0, 1]), counts)
    torch.testing.assert_close(values, torch.full((2,), math.log(2), dtype=torch.float64))


def test_a_class_without_real_images_has_the_margin_of_the_rarest():
    logits, labels = cosines()
    loss = LabelDistributionAwareMargin()
    assert torch.equal(
        loss(logits, labels, context([625.0, 0.0, 16.0])),
        loss(logits, labels, context([625.0, 16.0, 16.0])),
    )


def test_margins_follow_the_real_images_whatever_is_fed():
    logits, labels = cosines()
    real, even = torch.tensor(COUNTS), torch.ones(3)
    loss = LabelDistributionAwareMargin()
    values = apply_loss(loss, logits, labels, ClassCounts(real=real, fed=even))
    torch.testing.assert_close(values, loss(logits.float(), labels, LossContext(real)))


@pytest.mark.parametrize("wrong", [{"max_margin": -0.1}, {"scale": 0.0}])
def test_impossible_parameters_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        create("loss", "ldam", wrong)
