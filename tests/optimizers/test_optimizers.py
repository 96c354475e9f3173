"""Optimisers: conformance, and sharpness-aware steps against a computation by hand."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
import torch

from imbalance_derm.errors import InputError
from imbalance_derm.optimizers.named import named
from imbalance_derm.optimizers.sam import SharpnessAware
from imbalance_derm.registry.manager import installed
from imbalance_derm.registry.parameters import create

CURVATURE = torch.tensor([3.0, 1.0, 0.2], dtype=torch.float64)


def bowl(start=(1.0, -2.0, 0.5)):
    """A weight and the function ``sum(c w^2) / 2``, whose gradient is ``c w``."""
    weight = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    return weight, lambda: (CURVATURE * weight**2).sum() / 2


def take(optimizer, value, steps=1):
    def closure():
        optimizer.zero_grad()
        loss = value()
        loss.backward()
        return loss

    return [float(optimizer.step(closure)) for _ in range(steps)]


@pytest.mark.parametrize("name", installed().names("optimizer"))
def test_conformance(name):
    weight, value = bowl()
    groups = [{"params": [weight], "lr": 0.05, "weight_decay": 0.0}]
    optimizer = create("optimizer", name, None, groups)
    losses = take(optimizer, value, 40)
    assert losses[-1] < 0.5 * losses[0]
    assert len(optimizer.param_groups) == 1
    # A learning rate that is set from outside is the one of the next step.
    optimizer.param_groups[0]["lr"] = 0.0
    before = weight.detach().clone()
    take(optimizer, value)
    assert torch.equal(weight.detach(), before)


@pytest.mark.parametrize("name", installed().names("optimizer"))
def test_saved_and_loaded_it_goes_on_to_the_same_numbers(name):
    weight, value = bowl()
    optimizer = create("optimizer", name, None, [{"params": [weight], "lr": 0.1}])
    take(optimizer, value, 3)
    state, place = deepcopy(optimizer.state_dict()), weight.detach().clone()
    take(optimizer, value, 3)
    again, same = bowl(tuple(place.tolist()))
    resumed = create("optimizer", name, None, [{"params": [again], "lr": 0.7}])
    resumed.load_state_dict(state)
    take(resumed, same, 3)
    torch.testing.assert_close(again, weight)


@pytest.mark.parametrize(
    "algorithm", ["SGD", "Adam", "AdamW", "Adadelta", "RMSprop", "NAdam", "RAdam", "Adagrad"]
)
def test_an_optimiser_by_name_is_that_of_pytorch(algorithm):
    (ours, our_value), (theirs, their_value) = bowl(), bowl()
    take(named([{"params": [ours], "lr": 0.03}], algorithm=algorithm), our_value, 5)
    take(getattr(torch.optim, algorithm)([theirs], lr=0.03), their_value, 5)
    assert torch.equal(ours, theirs)


def test_options_reach_the_optimiser():
    weight, _ = bowl()
    made = named(
        [{"params": [weight], "lr": 0.1}], algorithm="SGD",
        options={"momentum": 0.9, "nesterov": True},
    )  # fmt: skip
    assert made.param_groups[0]["momentum"] == 0.9
    assert made.param_groups[0]["nesterov"] is True
    betas = named([{"params": [weight]}], algorithm="AdamW", options={"betas": [0.8, 0.95]})
    assert betas.param_groups[0]["betas"] == (0.8, 0.95)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"algorithm": "AdmW"}, r"optimizer.algorithm='AdmW' is not in torch.optim.*AdamW"),
        ({"options": {"momentum": 0.9}}, r"optimizer.options for AdamW: .*momentum"),
        ({"options": {"betas": [2.0, 0.9]}}, r"optimizer.options for AdamW: .*beta"),
    ],
)
def test_wrong_names_and_options_are_told(given, said):
    with pytest.raises(InputError, match=said):
        named([{"params": [bowl()[0]]}], **given)


@pytest.mark.parametrize("adaptive", [False, True])
def test_a_sharpness_aware_step_equals_one_by_hand(adaptive):
    weight, value = bowl()
    start, curvature = weight.detach().numpy().copy(), CURVATURE.numpy()
    groups = [{"params": [weight], "lr": 0.1}]
    sam = SharpnessAware(groups, rho=0.3, adaptive=adaptive, algorithm="SGD")
    loss = take(sam, value)[0]
    scale = np.abs(start) if adaptive else np.ones(3)
    gradient = curvature * start
    climb = 0.3 * scale**2 * gradient / np.linalg.norm(scale * gradient)
    expected = start - 0.1 * curvature * (start + climb)
    np.testing.assert_allclose(weight.detach().numpy(), expected, rtol=1e-12)
    assert loss == pytest.approx((curvature * start**2).sum() / 2)  # that of the point itself


def test_the_neighbourhood_is_over_all_groups_and_a_tiny_one_gives_the_plain_step():
    (one, value), (other, plain) = bowl(), bowl()
    second = torch.tensor(0.0, requires_grad=True)
    groups = [{"params": [one], "lr": 0.1}, {"params": [second], "lr": 0.1}]
    sam = SharpnessAware(groups, rho=1e-9, algorithm="SGD")
    take(sam, lambda: value() + 0.0 * second)
    take(torch.optim.SGD([other], lr=0.1), plain)
    torch.testing.assert_close(one, other)


def test_without_a_closure_it_says_so():
    with pytest.raises(ValueError, match="needs a closure"):
        SharpnessAware([{"params": [bowl()[0]]}]).step()
