"""Center loss: the distance, the paper's rule for the centres, and when they move."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from imbalance_derm.errors import InputError
from imbalance_derm.losses.center import Center
from imbalance_derm.losses.contract import LossContext

LABELS = torch.tensor([0, 1, 0, 1, 1, 0, 0])
"""Of three classes; the last is not in the batch."""


def batch(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(7, 3, dtype=torch.float64, generator=generator)
    features = torch.randn(7, 4, dtype=torch.float64, generator=generator)
    return logits.requires_grad_(), features.requires_grad_()


def prepared(**parameters: float) -> Center:
    loss = Center(**parameters)
    loss.prepare(classes=3, features=4)
    generator = torch.Generator().manual_seed(9)
    loss.centres.copy_(torch.randn(3, 4, generator=generator))
    return loss


def context(features: torch.Tensor | None) -> LossContext:
    return LossContext(torch.ones(3), features)


def test_value_and_gradient_equal_the_formula_with_the_centres_before_the_move():
    logits, features = batch()
    loss = prepared(weight=0.2)
    centres = loss.centres.clone().double()
    plain = functional.cross_entropy(logits, LABELS, reduction="none")
    rows, own = features.detach().numpy(), centres[LABELS].numpy()
    squares = torch.from_numpy(((rows - own) ** 2).sum(axis=1))
    values = loss(logits, LABELS, context(features))
    torch.testing.assert_close(values, plain + 0.1 * squares)
    values.sum().backward()  # after the centres have moved in place
    torch.testing.assert_close(features.grad, 0.2 * (features.detach() - centres[LABELS]))
    still = loss.eval()
    assert torch.autograd.gradcheck(lambda z, x: still(z, LABELS, context(x)), (logits, features))


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_centres_move_by_the_rule_of_the_paper(alpha):
    logits, features = batch()
    loss = prepared(alpha=alpha)
    centres, rows = loss.centres.double().numpy().copy(), features.detach().numpy()
    expected = centres.copy()
    for j in range(3):
        mine = [i for i, label in enumerate(LABELS) if label == j]
        delta = sum((centres[j] - rows[i] for i in mine), np.zeros(4)) / (1 + len(mine))
        expected[j] = centres[j] - alpha * delta
    loss(logits, LABELS, context(features))
    torch.testing.assert_close(loss.centres.double(), torch.from_numpy(expected), atol=1e-6, rtol=0)
    assert not loss.centres.requires_grad


def test_centres_tend_to_the_means_of_their_classes():
    logits, features = batch()
    loss = prepared()
    for _ in range(200):
        loss(logits, LABELS, context(features))
    for j in range(2):
        mean = features.detach()[j == LABELS].mean(dim=0)
        torch.testing.assert_close(loss.centres[j].double(), mean, atol=1e-5, rtol=0)


def test_centres_rest_in_evaluation_mode():
    logits, features = batch()
    loss = prepared()
    before = loss.centres.clone()
    loss.eval()(logits, LABELS, context(features))
    assert torch.equal(loss.centres, before)
    loss.train()(logits, LABELS, context(features))
    assert not torch.equal(loss.centres, before)


def test_weight_0_is_cross_entropy():
    logits, features = batch()
    plain = functional.cross_entropy(logits, LABELS, reduction="none")
    torch.testing.assert_close(prepared(weight=0.0)(logits, LABELS, context(features)), plain)


def test_centres_are_no_parameters_and_go_through_a_checkpoint():
    logits, features = batch()
    loss = prepared()
    loss(logits, LABELS, context(features))
    assert list(loss.parameters()) == []
    again = Center()
    again.prepare(classes=3, features=4)
    assert not torch.equal(again.centres, loss.centres)
    again.load_state_dict(loss.state_dict())
    assert torch.equal(again.centres, loss.centres)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("classes", [1, 2, 8])
def test_extreme_logits_and_features_stay_finite(dtype, classes):
    logits = torch.full((classes, classes), -100.0)
    logits[:, 0] = 100.0
    features = torch.full((classes, 3), 100.0, dtype=dtype)
    logits.requires_grad_(), features.requires_grad_()
    loss = Center()
    loss.prepare(classes, 3)
    values = loss(logits, torch.arange(classes), LossContext(torch.ones(classes), features))
    values.sum().backward()
    assert values.dtype == torch.float32
    for tensor in (values, logits.grad, features.grad, loss.centres):
        assert torch.isfinite(tensor).all()


def test_without_features_or_centres_it_is_refused():
    logits, features = batch()
    with pytest.raises(InputError, match="loss center works on features"):
        prepared()(logits, LABELS, context(None))
    with pytest.raises(InputError, match="loss center has no centres yet"):
        Center()(logits, LABELS, context(features))
