"""The cosine head against PyTorch's cosine similarity."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from imbalance_derm.models.contract import Task
from imbalance_derm.models.heads.cosine import Cosine
from imbalance_derm.registry.parameters import create
from imbalance_derm.schedule.contract import start_stage
from imbalance_derm.schedule.joint import Joint

TASK = Task(6, ("bkl", "mel", "nv"))


@pytest.mark.parametrize("scale", [1.0, 16.0])
@pytest.mark.parametrize("learn_scale", [False, True])
def test_logits_are_scaled_cosine_similarities(scale, learn_scale):
    torch.manual_seed(0)
    head = Cosine(TASK, scale=scale, learn_scale=learn_scale).double().eval()
    features = torch.randn(7, 6, dtype=torch.float64)
    weights = head.lesion.weight
    cosines = functional.cosine_similarity(features[:, None], weights[None], dim=2)
    torch.testing.assert_close(head(features).logits, scale * cosines)


def test_lengths_have_no_say():
    torch.manual_seed(0)
    head, features = Cosine(TASK).eval(), torch.randn(7, 6)
    before = head(features).logits
    with torch.no_grad():
        head.lesion.weight.mul_(torch.tensor([[0.1], [1.0], [30.0]]))
    torch.testing.assert_close(head(5.0 * features).logits, before)


def test_the_scale_is_learned_only_where_asked():
    fixed, learned = Cosine(TASK), Cosine(TASK, learn_scale=True)
    assert [name for name, _ in fixed.named_parameters()] == ["lesion.weight"]
    assert {name for name, _ in learned.named_parameters()} == {"scale", "lesion.weight"}
    torch.manual_seed(0)
    features, labels = torch.randn(20, 6), torch.arange(20) % 3
    functional.cross_entropy(learned.eval()(features).logits, labels).backward()
    # d loss / d scale = mean over rows of (p - onehot) . cosines
    cosines = (learned(features).logits / 16.0).detach()
    difference = (16.0 * cosines).softmax(dim=1) - functional.one_hot(labels, 3)
    torch.testing.assert_close(learned.scale.grad, (difference * cosines).sum(dim=1).mean())


def test_a_stage_that_starts_the_head_anew_starts_its_scale_anew():
    class Anew(Joint):
        reinitialises = ("head",)

    model = torch.nn.Module()
    model.head = Cosine(TASK, scale=10.0, learn_scale=True)
    before = model.head.lesion.weight.detach().clone()
    torch.nn.init.constant_(model.head.scale, 3.0)
    start_stage(Anew(), model)
    assert model.head.scale.item() == 10.0
    assert not torch.equal(model.head.lesion.weight, before)


def test_the_scale_is_set_by_its_shorthand():
    assert create("head", "cosine/1", None, TASK).scale == 1.0
