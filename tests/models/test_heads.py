"""Heads: conformance, and paper B's masked joint loss against a hand computation."""

from __future__ import annotations

import inspect

import pytest
import torch
from torch.nn import functional

from imbalance_derm.errors import InputError
from imbalance_derm.losses.contract import ClassCounts
from imbalance_derm.losses.cross_entropy import CrossEntropy
from imbalance_derm.models.contract import Batch, Counts, Head, Outputs, Task
from imbalance_derm.models.heads.body_site_mtl import BodySiteMultiTask
from imbalance_derm.models.heads.single_task import SingleTask
from imbalance_derm.registry.manager import installed
from imbalance_derm.registry.parameters import create

TASK = Task(6, ("bkl", "mel", "nv"), ("back", "face"))


def counts(classes: int = 3, sites: int = 2) -> Counts:
    one, two = torch.ones(classes), torch.ones(sites)
    return Counts(ClassCounts(one, one), ClassCounts(two, two))


def batch(sites: list[int]) -> Batch:
    n = len(sites)
    return Batch(torch.zeros(n, 6), torch.arange(n) % 3, torch.tensor(sites))


@pytest.mark.parametrize("name", installed().names("head"))
@pytest.mark.parametrize("classes", [2, 3, 8])
def test_conformance(name, classes):
    torch.manual_seed(0)
    head: Head = create("head", name, None, Task(6, tuple(map(str, range(classes))), ("a", "b")))
    features = torch.randn(9, 6)
    b = Batch(features, torch.arange(9) % 2, torch.tensor([0, 1, -1] * 3))  # classes 2.. missing
    outputs = head(features)
    assert isinstance(outputs, Outputs)
    assert outputs.logits.shape == (9, classes)
    value = head.objective(outputs, features, b, CrossEntropy(), counts(classes), 0.0)
    assert value.shape == ()
    value.backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in head.parameters())
    again: Head = create("head", name, None, Task(6, tuple(map(str, range(classes))), ("a", "b")))
    again.load_state_dict(head.state_dict())
    torch.testing.assert_close(again.eval()(features).logits, head.eval()(features).logits)


@pytest.mark.parametrize("name", installed().names("head"))
def test_the_objective_is_linear_in_the_weights(name):
    torch.manual_seed(0)
    head: Head = create("head", name, None, TASK).eval()
    features, sites = torch.randn(9, 6), torch.tensor([0, 1, -1] * 3)

    def objective(weights: torch.Tensor | None) -> torch.Tensor:
        b = Batch(features, torch.arange(9) % 3, sites, weights)
        return head.objective(head(features), features, b, CrossEntropy(), counts(), 0.0)

    first, second = torch.rand(9), torch.rand(9)
    assert torch.equal(objective(torch.ones(9)), objective(None))
    assert objective(torch.zeros(9)) == 0
    torch.testing.assert_close(
        objective(0.3 * first + second), 0.3 * objective(first) + objective(second)
    )
    only = torch.zeros(9)
    only[4] = 1.0
    alone = Batch(features[4:5], torch.tensor([1]), sites[4:5])
    value = head.objective(head(features[4:5]), features[4:5], alone, CrossEntropy(), counts(), 0.0)
    assert 0 < objective(only) < value


def test_joint_loss_is_lesion_plus_weighted_site_loss_over_known_sites():
    head = BodySiteMultiTask(TASK, site_loss="ce", site_weight=0.4, dropout=0.0)
    features, b = torch.randn(4, 6), batch([0, -1, 1, -1])
    outputs = head(features)
    value = head.objective(outputs, features, b, CrossEntropy(), counts(), 0.0)
    lesion = functional.cross_entropy(outputs.logits, b.labels)
    site = functional.cross_entropy(outputs.others["site"][[0, 2]], torch.tensor([0, 1]))
    torch.testing.assert_close(value, lesion + 0.4 * site)


def test_images_of_unknown_site_do_not_train_the_site_head():
    head = BodySiteMultiTask(TASK, dropout=0.0)
    features, b = torch.randn(3, 6), batch([-1, -1, -1])
    value = head.objective(head(features), features, b, CrossEntropy(), counts(), 0.0)
    value.backward()
    assert torch.count_nonzero(head.site.weight.grad) == 0
    torch.testing.assert_close(value, functional.cross_entropy(head(features).logits, b.labels))


def test_site_weight_zero_is_the_single_task_twin():
    features, b = torch.randn(5, 6), batch([0, 1, 0, -1, 1])
    multi, single = (
        BodySiteMultiTask(TASK, site_weight=0.0, dropout=0.0),
        SingleTask(TASK, dropout=0.0),
    )
    single.lesion.load_state_dict(multi.lesion.state_dict())
    values = [
        head.objective(head(features), features, b, CrossEntropy(), counts(), 0.0)
        for head in (multi, single)
    ]
    torch.testing.assert_close(*values)


def test_the_site_is_never_an_input():
    for name in installed().names("head"):
        target = installed().get("head", name).load()
        assert list(inspect.signature(target.forward).parameters) == ["self", "features"]


def test_without_known_sites_the_multi_task_head_says_so():
    with pytest.raises(InputError, match=r"at least two known body sites.*found 0"):
        BodySiteMultiTask(Task(6, ("a", "b")))
