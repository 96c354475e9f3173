"""The nearest-neighbour head against scikit-learn and a brute-force choice of its bank."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from imbalance_derm.models.contract import Task
from imbalance_derm.models.heads.knn import NearestNeighbors, choose_evenly

TASK = Task(6, ("bkl", "mel", "nv"))


def lesions(n: int = 60) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    labels = torch.arange(n) % 10 // 7  # 7 of class 0 for 3 of class 1, none of class 2
    return torch.randn(n, 6) + labels[:, None], labels


@pytest.mark.parametrize("neighbors", [1, 5, 20])
@pytest.mark.parametrize("temperature", [0.07, 1.0])
def test_votes_equal_those_of_scikit_learn(neighbors, temperature):
    features, labels = lesions()
    head = NearestNeighbors(TASK, neighbors=neighbors, temperature=temperature).eval()
    head.remember(features, labels)
    queries = torch.randn(25, 6)
    reference = KNeighborsClassifier(
        neighbors,
        metric="cosine",
        algorithm="brute",
        weights=lambda distances: np.exp((1 - distances) / temperature),
    ).fit(features.numpy(), labels.numpy())
    shares = np.zeros((25, 3))
    shares[:, :2] = reference.predict_proba(queries.numpy())
    probabilities = head(queries).logits.softmax(dim=1).detach().numpy()
    np.testing.assert_allclose(probabilities, (neighbors * shares + 1) / (neighbors + 3), rtol=1e-3)


def test_before_remembering_and_in_training_the_logits_are_linear():
    features, labels = lesions()
    head = NearestNeighbors(TASK, dropout=0.0)
    linear = head.lesion(features)
    torch.testing.assert_close(head.eval()(features).logits, linear)
    assert head.linear is head.lesion
    head.remember(features, labels)
    assert head.linear is None
    assert not torch.allclose(head(features).logits, linear)
    torch.testing.assert_close(head.train()(features).logits, linear)


def test_fewer_lesions_than_neighbours_all_vote():
    head = NearestNeighbors(TASK, neighbors=20, temperature=1e6).eval()
    head.remember(torch.randn(5, 6), torch.tensor([0, 0, 0, 1, 2]))
    probabilities = head(torch.randn(4, 6)).logits.softmax(dim=1)
    expected = torch.tensor([[4.0, 2.0, 2.0]]).expand(4, 3) / 8
    torch.testing.assert_close(probabilities, expected, rtol=1e-4, atol=1e-5)


def test_what_is_remembered_is_replaced_and_survives_serialisation():
    features, labels = lesions()
    head = NearestNeighbors(TASK, neighbors=3, bank=64)
    head.remember(features, labels)
    head.remember(features[:10], labels[:10])
    assert int((head.bank_labels >= 0).sum()) == 10
    assert head.bank_labels[10:].eq(-1).all()
    assert head.bank_features[10:].eq(0).all()
    again = NearestNeighbors(TASK, neighbors=3, bank=64)
    again.load_state_dict(head.state_dict())
    assert again.linear is None
    assert torch.equal(again.eval()(features).logits, head.eval()(features).logits)


def test_averaging_the_weights_leaves_an_empty_bank_empty():
    for decay in (None, 0.9, 0.99, 0.995, 0.999):
        average = get_ema_multi_avg_fn(decay) if decay else None
        head = NearestNeighbors(TASK, bank=8)
        averaged = AveragedModel(head, multi_avg_fn=average, use_buffers=True)
        for _ in range(20):
            averaged.update_parameters(head)
        assert averaged.module.linear is not None, decay


def test_half_precision_does_not_change_the_neighbours():
    features, labels = lesions()
    head = NearestNeighbors(TASK).eval()
    head.remember(features, labels)
    queries = torch.randn(25, 6)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = head(queries).logits
    assert torch.equal(logits, head(queries).logits)


def brute_force_sizes(counts: list[int], size: int) -> list[int]:
    """Hand out places one by one, always to the smallest part that can still grow."""
    chosen = [0] * len(counts)
    for _ in range(min(size, sum(counts))):
        growing = [c for c in range(len(counts)) if chosen[c] < counts[c]]
        chosen[min(growing, key=lambda c: chosen[c])] += 1
    return chosen


@pytest.mark.parametrize("counts", [[90, 9, 1], [5, 5, 5], [3, 0, 40], [7]])
@pytest.mark.parametrize("size", [1, 4, 12, 50, 1000])
def test_the_bank_is_divided_as_evenly_as_the_classes_allow(counts, size):
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    rows = choose_evenly(torch.from_numpy(labels), size).numpy()
    assert len(np.unique(rows)) == len(rows) == min(size, len(labels))
    chosen = np.bincount(labels[rows], minlength=len(counts))
    assert sorted(chosen) == sorted(brute_force_sizes(counts, size))


def test_within_a_class_the_choice_runs_through_all_of_it():
    rows = choose_evenly(torch.zeros(100, dtype=torch.int64), 10)
    assert rows.tolist() == list(range(0, 100, 10))
