"""Gradient surgery against PCGrad's algorithm in NumPy, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from imbalance_derm.losses.contract import ClassCounts
from imbalance_derm.losses.cross_entropy import CrossEntropy
from imbalance_derm.models.contract import Batch, Counts, Task
from imbalance_derm.models.heads.body_site_mtl import BodySiteMultiTask
from imbalance_derm.training.surgery import project

SHAPES = ((3, 4), (5,), (), (2, 1, 2))


def parameters() -> list[nn.Parameter]:
    return [nn.Parameter(torch.zeros(shape, dtype=torch.float64)) for shape in SHAPES]


def flat(tensors) -> np.ndarray:
    return np.concatenate([t.detach().numpy().ravel() for t in tensors])


def linear_tasks(weights: list[nn.Parameter], gradients: np.ndarray) -> torch.Tensor:
    """Return one value per row of `gradients`, float (tasks, parameters), which are its slopes."""
    everything = torch.cat([w.flatten() for w in weights])
    return torch.from_numpy(gradients) @ everything


def pcgrad(gradients: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    projected = []
    for i, own in enumerate(gradients):
        g = own
        for j in rng.permutation(len(gradients)):
            if j != i and np.dot(g, gradients[j]) < 0:
                unit = gradients[j] / np.linalg.norm(gradients[j])
                g = g - np.dot(g, unit) * unit
        projected.append(g)
    return np.sum(projected, axis=0)


@pytest.mark.parametrize("tasks", [1, 2, 3, 5])
@pytest.mark.parametrize("seed", range(4))
def test_it_equals_the_algorithm_in_numpy(tasks, seed):
    weights = parameters()
    size = sum(w.numel() for w in weights)
    gradients = np.random.default_rng(seed).normal(size=(tasks, size))
    if tasks > 1:
        gradients[1] -= 2 * gradients[0]  # a conflict, whatever was drawn
    project(linear_tasks(weights, gradients), weights, np.random.default_rng(seed))
    result = flat([w.grad for w in weights])
    np.testing.assert_allclose(result, pcgrad(gradients, np.random.default_rng(seed)), rtol=1e-9)
    plain = gradients.sum(axis=0)
    assert (tasks == 1) == np.allclose(result, plain)


def test_two_conflicting_tasks_by_hand():
    weight = nn.Parameter(torch.zeros(2, dtype=torch.float64))
    # g1 = (2, 0) and g2 = (-1, 1): g1 . g2 = -2, so that
    # g1 becomes (2, 0) + 2/2 (-1, 1) = (1, 1) and g2 becomes (-1, 1) + 2/4 (2, 0) = (0, 1).
    tasks = torch.stack([2 * weight[0], weight[1] - weight[0]])
    project(tasks, [weight], np.random.default_rng(0))
    assert weight.grad.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("seed", range(5))
def test_the_sum_for_two_tasks_hurts_neither(seed):
    weights = parameters()
    gradients = np.random.default_rng(seed).normal(size=(2, sum(w.numel() for w in weights)))
    gradients[1] -= 3 * gradients[0]
    assert gradients[0] @ gradients[1] < 0
    project(linear_tasks(weights, gradients), weights, np.random.default_rng(0))
    result = flat([w.grad for w in weights])
    assert (gradients @ result > 0).all()
    assert gradients[0] @ gradients.sum(axis=0) < 0  # the plain sum would


@pytest.mark.parametrize("tasks", [2, 4])
def test_without_conflict_the_result_is_the_plain_sum(tasks):
    torch.manual_seed(0)
    network = nn.Linear(6, 3).double()
    inputs = torch.rand(10, 6, dtype=torch.float64)
    values = torch.stack([(k + 1) * network(inputs).pow(2).mean() for k in range(tasks)])
    project(values, list(network.parameters()), np.random.default_rng(0))
    found = [p.grad.clone() for p in network.parameters()]
    network.zero_grad()
    torch.stack([(k + 1) * network(inputs).pow(2).mean() for k in range(tasks)]).sum().backward()
    for ours, plain in zip(found, network.parameters(), strict=True):
        torch.testing.assert_close(ours, plain.grad, rtol=1e-12, atol=0.0)


def test_orthogonal_tasks_are_no_conflict():
    weight = nn.Parameter(torch.zeros(2))
    project(torch.stack([weight[0], -3 * weight[1]]), [weight], np.random.default_rng(0))
    assert weight.grad.tolist() == [1.0, -3.0]


def test_opposite_tasks_cancel():
    weight = nn.Parameter(torch.zeros(3))
    project(torch.stack([weight.sum(), -weight.sum()]), [weight], np.random.default_rng(0))
    torch.testing.assert_close(weight.grad, torch.zeros(3))


def test_a_task_without_gradient_changes_nothing():
    weight = nn.Parameter(torch.tensor([1.0, 2.0]))
    project(torch.stack([weight[0] ** 2, 0 * weight.sum()]), [weight], np.random.default_rng(0))
    assert weight.grad.tolist() == [2.0, 0.0]


def test_only_what_tasks_share_is_projected_and_old_gradients_are_replaced():
    shared, one, two, none = (nn.Parameter(torch.ones(2)) for _ in range(4))
    for parameter in (shared, one, none):
        parameter.grad = torch.full((2,), 99.0)
    tasks = torch.stack(
        [(shared * torch.tensor([1.0, 0.0]) + 3 * one).sum(), (-shared + 5 * two).sum()]
    )
    project(tasks, [shared, one, two, none], np.random.default_rng(0))
    # g1 = (1, 0), g2 = (-1, -1): (1, 0) + 1/2 (-1, -1) and (-1, -1) + (1, 0).
    assert shared.grad.tolist() == [0.5, -1.5]
    assert one.grad.tolist() == [3.0, 3.0]
    assert two.grad.tolist() == [5.0, 5.0]
    assert none.grad is None


def test_tasks_that_share_nothing_have_their_own_gradients():
    one, two = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(1))
    project(torch.stack([one.sum(), -two.sum()]), [one, two], np.random.default_rng(0))
    assert (one.grad.tolist(), two.grad.tolist()) == ([1.0, 1.0], [-1.0])


def test_the_trunk_of_the_multi_task_head_gets_projected_gradients_and_the_heads_plain_ones():
    torch.manual_seed(3)
    trunk = nn.Linear(5, 4)
    task = Task(4, ("mel", "nv"), ("back", "face"))
    head = BodySiteMultiTask(task, site_loss="ce", weighting="pcgrad", site_weight=0.7, dropout=0.0)
    with torch.no_grad():
        head.site.weight.copy_(-head.lesion.weight)  # so that the tasks conflict
    inputs, labels = torch.randn(8, 5), torch.arange(8) % 2
    b = Batch(inputs, labels, labels)
    ones = ClassCounts(torch.ones(2), torch.ones(2))

    def objective() -> torch.Tensor:
        features = trunk(inputs)
        given = (features, b, CrossEntropy(), Counts(ones, ones), 0.0)
        return head.objective(head(features), *given)

    everything = [*trunk.parameters(), *head.parameters()]
    slopes = []
    for k in range(2):
        for parameter in everything:
            parameter.grad = None
        objective()[k].backward()
        slopes.append([torch.zeros_like(p) if p.grad is None else p.grad for p in everything])
    project(objective(), everything, np.random.default_rng(0))
    first, second = (flat(each[:2]).astype(np.float64) for each in slopes)
    dot = first @ second
    assert dot < 0
    expected = first - dot / (second @ second) * second + second - dot / (first @ first) * first
    np.testing.assert_allclose(flat([p.grad for p in everything[:2]]), expected, rtol=1e-4)
    for parameter, one, other in zip(everything[2:], slopes[0][2:], slopes[1][2:], strict=True):
        torch.testing.assert_close(parameter.grad, one + other)
