"""The bilateral-branch head: its formula, and what it is at the ends of the training."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from imbalance_derm.errors import InputError
from imbalance_derm.losses.contract import ClassCounts, Loss
from imbalance_derm.losses.cross_entropy import CrossEntropy
from imbalance_derm.models.contract import Batch, Counts, Task
from imbalance_derm.models.heads.bilateral import Bilateral

TASK = Task(6, ("bkl", "mel", "nv"))
ONES = ClassCounts(torch.ones(3), torch.ones(3))
COUNTS = Counts(ONES, ONES)
N = 8


def case(weights=None) -> tuple[Bilateral, torch.Tensor, Batch]:
    torch.manual_seed(0)
    head, features = Bilateral(TASK, dropout=0.0), torch.randn(2 * N, 6)
    labels = torch.cat([torch.arange(N) % 2, 2 - torch.arange(N) % 3 % 2])
    sites = torch.full((2 * N,), -1)
    return head, features, Batch(features, labels, sites, weights, second=N)


def objective(head: Bilateral, features, batch, progress, loss: Loss | None = None):
    loss = loss or CrossEntropy()
    return head.objective(head(features), features, batch, loss, COUNTS, progress)


@pytest.mark.parametrize("progress", [0.0, 0.3, 0.7, 1.0])
def test_the_objective_equals_its_formula(progress):
    head, features, batch = case()
    alpha = 1 - progress**2
    logits = alpha * head.conventional(features[:N]) + (1 - alpha) * head.rebalancing(features[N:])
    expected = alpha * functional.cross_entropy(logits, batch.labels[:N]) + (
        1 - alpha
    ) * functional.cross_entropy(logits, batch.labels[N:])
    torch.testing.assert_close(objective(head, features, batch, progress), expected)


@pytest.mark.parametrize(("progress", "branch"), [(0.0, "conventional"), (1.0, "rebalancing")])
def test_at_either_end_one_branch_learns_from_its_own_rows(progress, branch):
    head, features, batch = case()
    rows = slice(0, N) if branch == "conventional" else slice(N, None)
    own = getattr(head, branch)
    value = objective(head, features, batch, progress)
    expected = functional.cross_entropy(own(features[rows]), batch.labels[rows])
    torch.testing.assert_close(value, expected)
    value.backward()
    for name, parameter in head.named_parameters():
        assert bool(parameter.grad.count_nonzero()) == name.startswith(branch), name


@pytest.mark.parametrize("progress", [0.0, 0.5, 1.0])
def test_without_a_second_stream_both_branches_see_every_row(progress):
    head, features, batch = case()
    one = Batch(features, batch.labels, batch.sites)
    alpha = 1 - progress**2
    logits = alpha * head.conventional(features) + (1 - alpha) * head.rebalancing(features)
    expected = functional.cross_entropy(logits, batch.labels)
    torch.testing.assert_close(objective(head, features, one, progress), expected)


def test_inference_weighs_the_branches_alike():
    head, features, _ = case()
    logits = 0.5 * head.conventional(features) + 0.5 * head.rebalancing(features)
    torch.testing.assert_close(head.eval()(features).logits, logits)


def test_with_a_second_stream_the_objective_is_linear_in_the_weights():
    first, second = torch.rand(2 * N), torch.rand(2 * N)

    def value(weights: torch.Tensor | None) -> torch.Tensor:
        return objective(*case(weights), progress=0.6)

    torch.testing.assert_close(value(torch.ones(2 * N)), value(None))
    torch.testing.assert_close(value(0.3 * first + second), 0.3 * value(first) + value(second))


def test_a_loss_on_features_is_given_those_of_the_labels_rows():
    head, features, batch = case()
    seen = []

    class Spy(CrossEntropy):
        def forward(self, logits, labels, context):
            seen.append((labels, context.features, context.progress))
            return super().forward(logits, labels, context)

    objective(head, features, batch, 0.25, Spy())
    for rows, (labels, given, progress) in zip((slice(0, N), slice(N, None)), seen, strict=True):
        assert torch.equal(labels, batch.labels[rows])
        assert torch.equal(given, features[rows])
        assert progress == 0.25


def test_streams_of_different_length_are_refused():
    head, features, batch = case()
    with pytest.raises(InputError, match=r"has 13 .* and 3 of 'reversed'; set .* at most 3"):
        objective(head, features, replace(batch, second=3), 0.5)
