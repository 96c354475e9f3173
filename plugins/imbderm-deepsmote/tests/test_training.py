# ruff: noqa: D100, D101, D102, D103
from __future__ import annotations

import copy
from functools import partial

import numpy as np
import pytest
import torch
from imbderm_deepsmote.networks import Autoencoder
from imbderm_deepsmote.training import Plan, _draw, loss_terms, train
from torch import nn

from imbalance_derm.training.checkpoints import load_state, save_state
from imbalance_derm.training.context import TrainingContext


class Scale(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(float(factor)))

    def forward(self, x):
        return x * self.factor


def test_both_terms_by_hand():
    encoder, decoder = Scale(2), Scale(0.25)
    images = torch.tensor([[4.0], [8.0]])
    group = torch.tensor([[1.0], [3.0], [7.0]])
    # Everything is halved: 2 and 4 for 4 and 8; 1.5, 3.5, 0.5 for the group, moved on by one.
    reconstruction = (2**2 + 4**2) / 2
    first, permuted = loss_terms(encoder, decoder, images, group, "permuted")
    assert first.item() == pytest.approx(reconstruction)
    assert permuted.item() == pytest.approx(((1.5 - 1) ** 2 + (3.5 - 3) ** 2 + (0.5 - 7) ** 2) / 3)
    first, aligned = loss_terms(encoder, decoder, images, group, "aligned")
    assert first.item() == pytest.approx(reconstruction)
    assert aligned.item() == pytest.approx(((1.5 - 3) ** 2 + (3.5 - 7) ** 2 + (0.5 - 1) ** 2) / 3)


@pytest.mark.parametrize("penalty", ["permuted", "aligned"])
def test_the_penalty_trains_the_decoder_only(penalty):
    encoder, decoder = Scale(2), Scale(0.25)
    _, loss = loss_terms(encoder, decoder, torch.ones(2, 1), torch.rand(3, 1), penalty)
    loss.backward()
    assert decoder.factor.grad.abs() > 0
    assert encoder.factor.grad is None or encoder.factor.grad == 0


def test_the_losses_are_float32_where_the_networks_are_not():
    network = Autoencoder(16, 2, 3)
    seen = []
    network.decoder[0].register_forward_hook(lambda *given: seen.append(given[-1].dtype))
    x = torch.rand(4, 3, 16, 16)
    half = partial(torch.autocast, "cpu", torch.bfloat16)
    terms = loss_terms(network.encoder, network.decoder, x, x, "permuted", half)
    assert [term.dtype for term in terms] == [torch.float32] * 2
    assert seen == [torch.bfloat16]


def test_batches_hold_every_image_once_before_any_again_and_one_class_beside():
    members = [np.arange(7), np.arange(7, 10)]
    drawn = [_draw(members, step, 4, seed=5) for step in range(300)]
    rows = np.concatenate([rows for rows, _ in drawn])
    for epoch in rows.reshape(-1, 10):
        assert sorted(epoch) == list(range(10))
    assert len({tuple(epoch) for epoch in rows.reshape(-1, 10)}) > 100
    sizes = []
    for _, group in drawn:
        assert len(set(group)) == len(group)
        assert set(group) <= set(range(7)) or set(group) == {7, 8, 9}
        sizes.append(len(group))
    # Up to a batch of the large class, all of the small one; each class half of the time.
    assert set(sizes) == {4, 3}
    assert 0.4 < np.mean(np.array(sizes) == 3) < 0.6
    np.testing.assert_array_equal(drawn[17][0], _draw(members, 17, 4, seed=5)[0])


class Interrupted:
    """Keeps every state in a file, and kills the training when it keeps the last one."""

    def __init__(self, path, kill_at):
        self.path, self.left = path, kill_at

    def load(self):
        return load_state(self.path) if self.path.is_file() else None

    def due(self):
        self.left -= 1
        return self.left == 0

    def save(self, state):
        save_state(self.path, copy.deepcopy(state))
        raise KeyboardInterrupt


def test_resumed_it_comes_to_the_same_numbers(two_colours, accelerator, tmp_path):
    data, plan = two_colours((9, 5)), Plan(9, 4, 1e-3, "permuted")
    told = []
    whole = TrainingContext(accelerator, 3, progress=lambda *told_of: told.append(told_of[:2]))
    expected, points = train(data, plan, 4, 6, whole)
    assert told == [(step, 9) for step in range(1, 10)]
    assert [point["step"] for point in points] == list(range(1, 10))
    for kill_at in (4, 3):
        checkpoint = Interrupted(tmp_path / "state.safetensors", kill_at)
        with pytest.raises(KeyboardInterrupt):
            train(data, plan, 4, 6, TrainingContext(accelerator, 3, checkpoint))
    torch.manual_seed(99)
    checkpoint = Interrupted(tmp_path / "state.safetensors", 1_000)
    assert checkpoint.load()["step"] == 7
    network, curve = train(data, plan, 4, 6, TrainingContext(accelerator, 3, checkpoint))
    assert curve == points
    for name, value in network.state_dict().items():
        assert torch.equal(value, expected.state_dict()[name]), name


def test_another_seed_is_another_training(two_colours, accelerator):
    data, plan = two_colours((5, 4)), Plan(2, 4, 1e-3, "permuted")
    first, second = (train(data, plan, 2, 3, TrainingContext(accelerator, s))[1] for s in (1, 2))
    assert first != second
