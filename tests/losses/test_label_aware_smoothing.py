"""Label-aware smoothing against the paper's formula, and timm where all classes are even."""

from __future__ import annotations

import math

import pytest
import torch
from timm.loss import LabelSmoothingCrossEntropy
from torch.nn import functional

from imbalance_derm.losses.contract import LossContext
from imbalance_derm.losses.label_aware_smoothing import LabelAwareSmoothing

COUNTS = [101.0, 26.0, 1.0]

SHAPES = {  # as the paper's authors write them, with n_1 the largest and n_K the smallest count
    "concave": lambda n, n1, nk, e1, ek: (
        ek + (e1 - ek) * math.sin((n - nk) * math.pi / (2 * (n1 - nk)))
    ),
    "linear": lambda n, n1, nk, e1, ek: ek + (e1 - ek) * (n - nk) / (n1 - nk),
    "convex": lambda n, n1, nk, e1, ek: (
        e1 + (e1 - ek) * math.sin(1.5 * math.pi + (n - nk) * math.pi / (2 * (n1 - nk)))
    ),
}


def batch(classes: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(12, classes, dtype=torch.float64, generator=generator)
    return logits.requires_grad_(), torch.arange(12) % classes


def context(counts: list[float] = COUNTS) -> LossContext:
    return LossContext(torch.tensor(counts, dtype=torch.float64))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("head", "tail"), [(0.3, 0.0), (0.4, 0.1), (0.0, 0.2)])
def test_value_equals_the_formula(shape, head, tail):
    logits, labels = batch()
    loss = LabelAwareSmoothing(smooth_head=head, smooth_tail=tail, shape=shape)
    expected = []
    for row, label in zip(logits.tolist(), labels.tolist(), strict=True):
        e = SHAPES[shape](COUNTS[label], max(COUNTS), min(COUNTS), head, tail)
        log_total = math.log(sum(map(math.exp, row)))
        targets = [1 - e if k == label else e / (len(row) - 1) for k in range(len(row))]
        expected.append(sum(t * (log_total - z) for t, z in zip(targets, row, strict=True)))
    values = loss(logits, labels, context())
    torch.testing.assert_close(values, torch.tensor(expected, dtype=torch.float64))
    assert torch.autograd.gradcheck(lambda z: loss(z, labels, context()), (logits,))


def test_it_collapses_into_cross_entropy():
    logits, labels = batch()
    plain = functional.cross_entropy(logits, labels, reduction="none")
    none = LabelAwareSmoothing(smooth_head=0.0, smooth_tail=0.0)
    torch.testing.assert_close(none(logits, labels, context()), plain)
    values = LabelAwareSmoothing(smooth_tail=0.0)(logits, labels, context())
    torch.testing.assert_close(values[labels == 2], plain[labels == 2])


@pytest.mark.parametrize("classes", [2, 8])
def test_even_classes_are_smoothed_as_by_timm(classes):
    logits, labels = batch(classes)
    values = LabelAwareSmoothing(smooth_head=0.3)(logits, labels, context([5.0] * classes))
    # timm gives the label its share of what is spread.
    theirs = LabelSmoothingCrossEntropy(smoothing=0.3 * classes / (classes - 1))
    torch.testing.assert_close(values.mean(), theirs(logits, labels))


def test_shapes_are_ordered_between_the_extremes():
    logits = torch.tensor([[9.0, 0.0, 0.0]] * 3, dtype=torch.float64).roll(1, dims=1)
    middle = torch.tensor([1])
    values = [
        LabelAwareSmoothing(shape=shape)(logits[:1], middle, context()).item()
        for shape in ("convex", "linear", "concave")
    ]
    assert values == sorted(values)
    assert len(set(values)) == 3


@pytest.mark.parametrize("classes", [1, 2, 8])
def test_extreme_logits_and_a_class_without_images_stay_finite(classes):
    logits = torch.full((classes, classes), -100.0)
    logits[:, 0] = 100.0
    logits.requires_grad_()
    counts = LossContext(torch.arange(classes).float())
    values = LabelAwareSmoothing()(logits, torch.arange(classes), counts)
    values.sum().backward()
    assert torch.isfinite(values).all()
    assert torch.isfinite(logits.grad).all()


def test_it_looks_at_the_real_images():
    assert LabelAwareSmoothing.counts == "real"
