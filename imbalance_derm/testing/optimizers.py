"""Rules of an optimiser.

It is built as ``target(groups, **parameters)`` and is a ``torch.optim.Optimizer``.
``step(closure)`` may call the closure more than once; it returns the closure's first value.
The learning rate is set from outside before every step, in ``param_groups``.
"""

from __future__ import annotations

from copy import deepcopy

import torch

from imbalance_derm.testing.build import Build
from imbalance_derm.testing.every import EVERY, HERE, SAME, STATE
from imbalance_derm.testing.rule import require, rule

CONTRACT = "imbalance_derm.testing.optimizers"
CURVATURE = torch.tensor([3.0, 1.0, 0.2], dtype=torch.float64)


class _Bowl:
    """A weight on ``sum(c w^2) / 2``, and the optimiser that rolls it down."""

    def __init__(self, build: Build, rate: float = 0.05) -> None:
        start = [1.0, -2.0, 0.5]
        self.weight = torch.tensor(start, dtype=torch.float64, requires_grad=True)
        groups = [{"params": [self.weight], "lr": rate, "weight_decay": 0.0}]
        self.optimizer: torch.optim.Optimizer = build(groups)

    def value(self) -> torch.Tensor:
        return (CURVATURE * self.weight**2).sum() / 2

    def closure(self) -> torch.Tensor:
        self.optimizer.zero_grad()
        loss = self.value()
        loss.backward()
        return loss

    def take(self, steps: int) -> torch.Tensor:
        torch.manual_seed(0)
        for _ in range(steps):
            self.optimizer.step(self.closure)  # type: ignore[arg-type]
        return self.weight.detach().clone()


@rule(
    CONTRACT, "It is built as ``target(groups, **parameters)`` and is a ``torch.optim.Optimizer``."
)
def it_is_an_optimizer(build: Build) -> None:
    """Look at its class and its groups."""
    optimizer = _Bowl(build).optimizer
    require(isinstance(optimizer, torch.optim.Optimizer), "it is no torch.optim.Optimizer")
    require(
        len(optimizer.param_groups) == 1, f"of one group it makes {len(optimizer.param_groups)}"
    )


@rule("imbalance_derm.training.plan", "``make_optimizer(groups)`` gives a torch optimiser for")
def it_goes_down(build: Build) -> None:
    """Forty steps on a quadratic function, and one of a point of no slope."""
    bowl = _Bowl(build)
    first = bowl.value().item()
    bowl.take(40)
    last = bowl.value().item()
    require(last < 0.9 * first, f"on a quadratic function it goes from {first:g} to {last:g}")


@rule(CONTRACT, "``step(closure)`` may call the closure more than once; it returns the closure's")
def value_is_that_of_the_point(build: Build) -> None:
    """Compare what a step returns with the function."""
    bowl = _Bowl(build)
    expected = bowl.value().item()
    found = bowl.optimizer.step(bowl.closure)  # type: ignore[arg-type]
    close = found is not None and abs(float(torch.as_tensor(found).detach()) - expected) < 1e-9
    require(close, f"step returns {found} where the closure's first value was {expected:g}")


@rule(CONTRACT, "The learning rate is set from outside before every step, in ``param_groups``.")
def learning_rate_is_set_from_outside(build: Build) -> None:
    """Set it to 0."""
    bowl = _Bowl(build)
    before = bowl.take(3)
    for group in bowl.optimizer.param_groups:
        group["lr"] = 0.0
    require(torch.equal(bowl.take(1), before), "at a learning rate of 0 it moves the weights")


@rule(HERE, STATE)
def it_goes_on_from_its_state(build: Build) -> None:
    """Load the state into a new one, made with another rate."""
    bowl, again = _Bowl(build), _Bowl(build, rate=0.7)
    place = bowl.take(3)
    state = deepcopy(bowl.optimizer.state_dict())
    with torch.no_grad():
        again.weight.copy_(place)
    again.optimizer.load_state_dict(state)
    close = torch.allclose(again.take(3), bowl.take(3))
    require(close, "a new one that has loaded its state goes elsewhere")


@rule(HERE, SAME)
def same_start_same_end(build: Build) -> None:
    """Two of them."""
    require(torch.equal(_Bowl(build).take(5), _Bowl(build).take(5)), "two of them end elsewhere")


RULES = (
    *EVERY,
    it_is_an_optimizer,
    it_goes_down,
    value_is_that_of_the_point,
    learning_rate_is_set_from_outside,
    it_goes_on_from_its_state,
    same_start_same_end,
)
