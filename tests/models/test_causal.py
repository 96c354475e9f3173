"""The de-confounded head against its formula in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from imbalance_derm.models.contract import Task
from imbalance_derm.models.heads.causal import Causal

TASK = Task(6, ("bkl", "mel", "nv"))


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def confounded(x, w, tau, cuts, gamma):
    total = 0.0
    for cut in cuts:
        part = w[:, cut]
        normed = part / (np.linalg.norm(part, axis=1, keepdims=True) + gamma)
        total = total + unit(x[:, cut]) @ normed.T
    return tau / len(cuts) * total


def direct_effect(x, w, mean, tau, cuts, gamma, alpha):
    """What the image says, less alpha times what its projection on the mean direction says."""
    total = 0.0
    for cut in cuts:
        part = w[:, cut]
        normed = part / (np.linalg.norm(part, axis=1, keepdims=True) + gamma)
        images, direction = unit(x[:, cut]), unit(mean[cut])
        cosines = images @ direction
        total = total + images @ normed.T - alpha * np.outer(cosines, direction @ normed.T)
    return tau / len(cuts) * total


CUTS = {
    1: [slice(0, 6)],
    2: [slice(0, 3), slice(3, 6)],
    4: [slice(0, 2), slice(2, 4), slice(4, 5), slice(5, 6)],
}


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("alpha", [0.0, 1.5])
def test_training_and_evaluation_equal_their_formulas(groups, alpha):
    torch.manual_seed(0)
    head = Causal(TASK, groups=groups, alpha=alpha, tau=9.0, gamma=0.1, dropout=0.0).double()
    features = torch.randn(7, 6, dtype=torch.float64) + 1.0
    x, w = features.numpy(), head.lesion.weight.detach().numpy()
    trained = head.train()(features).logits.detach().numpy()
    np.testing.assert_allclose(trained, confounded(x, w, 9.0, CUTS[groups], 0.1))
    judged = head.eval()(features).logits.detach().numpy()
    expected = direct_effect(x, w, x.mean(axis=0), 9.0, CUTS[groups], 0.1, alpha)
    np.testing.assert_allclose(judged, expected)
    assert np.allclose(trained, judged) == (alpha == 0.0)


def test_the_mean_follows_training_batches_and_nothing_else():
    torch.manual_seed(0)
    head, batches = Causal(TASK, momentum=0.8, dropout=0.5), torch.randn(4, 5, 6)
    expected = np.zeros(6)
    for batch in batches:
        head.train()(batch)
        expected = 0.8 * expected + 0.2 * batch.numpy().astype(np.float64).mean(axis=0)
        head.eval()(torch.randn(5, 6))
    np.testing.assert_allclose(head.mean.numpy(), expected, rtol=1e-5)
    assert not head.mean.requires_grad
    assert "mean" in head.state_dict()


def test_the_direction_is_that_of_the_running_sum_of_the_authors():
    torch.manual_seed(0)
    head, total = Causal(TASK), np.zeros(6)
    for batch in torch.randn(5, 8, 6) + 0.5:
        head.train()(batch)
        total = 0.9 * total + batch.numpy().mean(axis=0)
    np.testing.assert_allclose(unit(head.mean.numpy()), unit(total), rtol=1e-5)


def test_before_training_nothing_is_taken_out():
    torch.manual_seed(0)
    head, features = Causal(TASK, dropout=0.0), torch.randn(7, 6)
    judged = head.eval()(features).logits
    torch.testing.assert_close(judged, head.train()(features).logits)


def test_an_image_along_the_mean_direction_loses_its_logits_at_alpha_one():
    head = Causal(TASK, alpha=1.0, dropout=0.0)
    features = torch.tensor([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]])
    assert head.train()(features).logits.abs().max() > 0.1
    logits = head.eval()(2.0 * features).logits
    torch.testing.assert_close(logits, torch.zeros(1, 3), rtol=0, atol=1e-5)


def test_published_defaults():
    head = Causal(TASK)
    assert (head.tau, head.groups, head.gamma, head.alpha) == (16.0, 2, 0.03125, 1.5)
    assert head.momentum == 0.9
