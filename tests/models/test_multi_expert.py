"""The experts' losses against their formulas in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import log_softmax

from imbalance_derm.losses.contract import ClassCounts, apply_loss
from imbalance_derm.losses.cross_entropy import CrossEntropy
from imbalance_derm.losses.focal import Focal
from imbalance_derm.losses.logit_adjustment import LogitAdjustment
from imbalance_derm.models.contract import Batch, Counts, Task
from imbalance_derm.models.heads.multi_expert import MultiExpert, opposite

TASK = Task(6, ("bkl", "mel", "nv"))


def counts(fed: list[float]) -> Counts:
    one = torch.ones(3)
    return Counts(
        ClassCounts(torch.tensor([7.0, 7.0, 7.0]), torch.tensor(fed)), ClassCounts(one, one)
    )


def case(weights=None):
    torch.manual_seed(0)
    head = MultiExpert(TASK, dropout=0.0)
    features = torch.randn(12, 6)
    labels, sites = torch.arange(12) % 3, torch.full((12,), -1)
    return head, features, Batch(features, labels, sites, weights)


def ce(logits: torch.Tensor, labels: torch.Tensor, shift: np.ndarray) -> np.ndarray:
    rows = log_softmax(logits.detach().double().numpy() + shift, axis=1)
    return -rows[np.arange(len(labels)), labels.numpy()]


@pytest.mark.parametrize("tau", [0.0, 1.0, 2.0])
def test_the_objective_is_the_sum_of_three_cross_entropies(tau):
    head, features, batch = case(torch.rand(12))
    head.tau = tau
    outputs = head(features)
    value = head.objective(
        outputs, features, batch, CrossEntropy(), counts([20.0, 70.0, 10.0]), 0.3
    )
    prior, inverse = np.log([0.2, 0.7, 0.1]), np.log([0.2, 0.1, 0.7])
    expected = (
        ce(outputs.others["softmax"], batch.labels, np.zeros(3))
        + ce(outputs.others["balanced"], batch.labels, prior)
        + ce(outputs.others["inverse"], batch.labels, prior - tau * inverse)
    )
    assert value.item() == pytest.approx((batch.weights.numpy() * expected).mean(), rel=1e-5)


def test_the_loss_of_the_run_trains_the_first_expert_and_no_other():
    head, features, batch = case()
    fed = counts([20.0, 70.0, 10.0])
    gradients = []
    for loss in (CrossEntropy(), Focal(gamma=2.0)):
        head.zero_grad()
        head.objective(head(features), features, batch, loss, fed, 0.0).backward()
        gradients.append({k: p.grad.clone() for k, p in head.named_parameters()})
    for name, gradient in gradients[0].items():
        assert torch.equal(gradient, gradients[1][name]) == (".softmax." not in f".{name}"), name


def test_without_tau_the_other_experts_learn_by_logit_adjustment():
    head, features, batch = case()
    head.tau = 0.0
    fed, said = counts([20.0, 70.0, 10.0]), head(features).others
    losses = {
        "softmax": CrossEntropy(),
        "balanced": LogitAdjustment(),
        "inverse": LogitAdjustment(),
    }
    parts = [
        apply_loss(loss, said[name], batch.labels, fed.classes).mean()
        for name, loss in losses.items()
    ]
    value = head.objective(head(features), features, batch, CrossEntropy(), fed, 0.0)
    torch.testing.assert_close(value, sum(parts))


def test_with_even_counts_the_experts_have_one_loss():
    head, features, batch = case()
    for name in ("balanced", "inverse"):
        head.experts[name].load_state_dict(head.experts["softmax"].state_dict())
    value = head.objective(head(features), features, batch, CrossEntropy(), counts([5.0] * 3), 0.0)
    one = ce(head(features).logits, batch.labels, np.zeros(3)).mean()
    assert value.item() == pytest.approx(3 * one, rel=1e-5)


def test_logits_are_the_mean_of_the_experts():
    head, features, _ = case()
    said = [head.experts[name](features) for name in ("softmax", "balanced", "inverse")]
    torch.testing.assert_close(head(features).logits, (said[0] + said[1] + said[2]) / 3)


def test_a_class_that_is_never_fed_stays_finite():
    head, features, batch = case()
    batch = Batch(features, torch.arange(12) % 2, batch.sites)
    value = head.objective(
        head(features), features, batch, CrossEntropy(), counts([9.0, 3.0, 0.0]), 0.0
    )
    value.backward()
    assert value.isfinite()
    assert all(p.grad.isfinite().all() for p in head.parameters())


def test_opposite_is_the_reversal_of_ranks():
    rng = np.random.default_rng(0)
    for classes in (1, 2, 3, 8):
        values = rng.permutation(classes).astype(np.float32)
        exchanged = opposite(torch.from_numpy(values)).numpy()
        np.testing.assert_array_equal(exchanged, classes - 1 - values)
    assert sorted(opposite(torch.tensor([5.0, 5.0, 1.0])).tolist()) == [1.0, 5.0, 5.0]
