"""Range loss against brute force over all pairs."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch.nn import functional

from imbalance_derm.errors import InputError
from imbalance_derm.losses.contract import LossContext
from imbalance_derm.losses.range import Range

LABELS = torch.tensor([0, 1, 0, 2, 1, 0, 0, 3, 1, 3])
"""Class 2 has one example and no range, class 3 one pair only."""


def batch(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(10, 4, dtype=torch.float64, generator=generator)
    features = torch.randn(10, 5, dtype=torch.float64, generator=generator)
    return logits.requires_grad_(), features.requires_grad_()


def context(features: torch.Tensor | None) -> LossContext:
    return LossContext(torch.ones(4), features)


def brute_force(features: np.ndarray, k: int, margin: float) -> tuple[float, float]:
    labels, intra, centres = LABELS.numpy(), 0.0, []
    for c in range(4):
        rows = features[labels == c]
        centres.append(rows.mean(axis=0))
        squares = [((a - b) ** 2).sum() for a, b in itertools.combinations(rows, 2)]
        if squares:
            largest = sorted(squares, reverse=True)[:k]
            intra += len(largest) / sum(1 / d for d in largest)
    nearest = min(((a - b) ** 2).sum() for a, b in itertools.combinations(centres, 2))
    return intra, max(0.0, margin - nearest)


@pytest.mark.parametrize("k", [1, 2, 4])
@pytest.mark.parametrize("margin", [0.01, 50.0])
def test_value_and_gradient_equal_brute_force(k, margin):
    logits, features = batch()
    loss = Range(k=k, intra_weight=0.3, inter_weight=0.7, margin=margin)
    intra, inter = brute_force(features.detach().numpy(), k, margin)
    plain = functional.cross_entropy(logits, LABELS, reduction="none")
    values = loss(logits, LABELS, context(features))
    torch.testing.assert_close(values, plain + 0.3 * intra + 0.7 * inter)
    assert (inter == 0) == (margin < 1)
    assert torch.autograd.gradcheck(lambda z, x: loss(z, LABELS, context(x)), (logits, features))


def test_both_terms_do_what_they_are_for():
    def spread(x: torch.Tensor) -> float:
        return max(float(torch.pdist(x[c == LABELS]).max()) for c in (0, 1, 3))

    def nearness(x: torch.Tensor) -> float:
        return float(torch.pdist(torch.stack([x[c == LABELS].mean(0) for c in range(4)])).min())

    for weights, measure, sign in (((1.0, 0.0), spread, -1), ((0.0, 1.0), nearness, 1)):
        logits, features = batch()
        loss = Range(k=1, intra_weight=weights[0], inter_weight=weights[1])
        loss(logits, LABELS, context(features)).mean().backward()
        moved = features.detach() - 1e-3 * features.grad
        assert sign * (measure(moved) - measure(features.detach())) > 0


def test_it_collapses_into_cross_entropy():
    logits, features = batch()
    plain = functional.cross_entropy(logits, LABELS, reduction="none")
    nothing = Range(intra_weight=0.0, inter_weight=0.0)
    torch.testing.assert_close(nothing(logits, LABELS, context(features)), plain)
    one_each = torch.arange(4)
    plain = functional.cross_entropy(logits[:4], one_each, reduction="none")
    far = 100 * torch.eye(4, dtype=torch.float64)
    values = Range(margin=1.0)(logits[:4], one_each, context(far))
    torch.testing.assert_close(values, plain)


@pytest.mark.parametrize("classes", [1, 2, 8])
@pytest.mark.parametrize("size", [0.0, 1.0, 100.0])
def test_repeated_rows_and_extreme_logits_stay_finite(classes, size):
    logits = torch.full((2 * classes, classes), -100.0)
    logits[:, 0] = 100.0
    features = torch.full((2 * classes, 3), size)  # every row is the same
    logits.requires_grad_(), features.requires_grad_()
    loss = Range(intra_weight=1.0, inter_weight=1.0)
    values = loss(logits, torch.arange(2 * classes) % classes, context(features))
    values.sum().backward()
    assert torch.isfinite(values).all()
    assert torch.isfinite(logits.grad).all()
    assert torch.isfinite(features.grad).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_features_are_evaluated_in_the_precision_of_the_logits(dtype):
    logits, features = batch()
    half = (100 * features.detach()).to(dtype)
    values = Range(intra_weight=1.0)(logits.float(), LABELS, context(half))
    expected = Range(intra_weight=1.0)(logits.float(), LABELS, context(half.float()))
    assert values.dtype == torch.float32
    assert torch.equal(values, expected)


def test_without_features_it_is_refused():
    with pytest.raises(InputError, match="loss range works on features"):
        Range()(torch.zeros(2, 4), torch.tensor([0, 1]), context(None))
