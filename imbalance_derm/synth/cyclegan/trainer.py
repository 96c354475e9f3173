"""The training of a CycleGAN on two sets of unpaired images, resumable at any step."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from torch import nn

from imbalance_derm.synth.cyclegan.batches import draw_batch, to_tensor
from imbalance_derm.synth.cyclegan.image_pool import ImagePool
from imbalance_derm.synth.cyclegan.losses import (
    LossWeights,
    adversarial_loss,
    discriminator_loss,
    reconstruction_loss,
)
from imbalance_derm.synth.cyclegan.networks import initialise
from imbalance_derm.training.context import State

TERMS = ("generator", "discriminator", "adversarial", "cycle", "identity")
"""Losses in every point of a curve; ``generator`` is the weighted sum of the last three."""

_POINTS = 500


@dataclass(frozen=True)
class Schedule:
    """How long and with what a pair of domains is trained.

    Attributes
    ----------
    steps : int
        Updates of the generators, and as many of the discriminators.
    batch_size : int
        Images of each domain in a step.
    learning_rate : float
        Of Adam with beta1 0.5.
    decay : float
        Last share of the steps over which the rate falls linearly to zero; 0 turns it off.
    image_pool : int
        Translations kept for the discriminators; 0 turns it off.
    """

    steps: int
    batch_size: int
    learning_rate: float
    decay: float
    image_pool: int

    def rate(self, step: int) -> float:
        """Return the learning rate of step `step`, counted from 0.

        Examples
        --------
        >>> plan = Schedule(steps=10, batch_size=1, learning_rate=1.0, decay=0.5, image_pool=0)
        >>> [plan.rate(step) for step in (0, 5, 6, 9)]
        [1.0, 1.0, 0.8, 0.2]
        """
        falling = self.decay * self.steps
        return self.learning_rate * (min(1.0, (self.steps - step) / falling) if falling else 1.0)


@dataclass(frozen=True)
class Domains:
    """The images of two classes: `source` is translated to `target`, and back.

    Attributes
    ----------
    source, target : ndarray of int
        Rows of `samples`.
    samples : ndarray of uint8, shape (n, size, size, 3)
    """

    samples: np.ndarray
    source: np.ndarray
    target: np.ndarray


@dataclass
class Curve:
    """Losses averaged over equal stretches, at most 500 of them."""

    stretch: int
    sums: torch.Tensor
    points: list[dict[str, float]] = field(default_factory=list)

    def add(self, step: int, losses: torch.Tensor) -> None:
        """Add the losses of one step."""
        self.sums += losses
        if (step + 1) % self.stretch:
            return
        # One transfer per stretch: reading a loss makes the host wait for the device.
        means = (self.sums / self.stretch).tolist()
        self.points.append({"step": step + 1, **dict(zip(TERMS, means, strict=True))})
        self.sums.zero_()

    def latest(self) -> dict[str, float]:
        """Return the two losses to show while training."""
        return {name: self.points[-1][name] for name in TERMS[:2]}


class Trainer:
    """Two generators and two discriminators, trained on one pair of domains after another.

    Parameters
    ----------
    build_generator, build_discriminator : callables without arguments
        Make the networks.
    weights : LossWeights
    accelerator : Accelerator
    """

    def __init__(
        self,
        build_generator: Callable[[], nn.Module],
        build_discriminator: Callable[[], nn.Module],
        weights: LossWeights,
        accelerator: Accelerator,
    ) -> None:
        self.weights = weights
        self.accelerator = accelerator
        self.generators = nn.ModuleList([build_generator(), build_generator()])
        self.judges = nn.ModuleList([build_discriminator(), build_discriminator()])
        prepare = accelerator.prepare
        self._to_target, self._to_source = (prepare(network) for network in self.generators)
        self._judge_target, self._judge_source = (prepare(network) for network in self.judges)
        self._adams = [self._adam(self.generators), self._adam(self.judges)]
        self._optimizers = [prepare(adam) for adam in self._adams]

    def train(
        self,
        domains: Domains,
        plan: Schedule,
        seed: int,
        state: State | None = None,
        after_step: Callable[[int, Curve, Callable[[], State]], None] | None = None,
    ) -> list[dict[str, float]]:
        """Train on one pair of domains, from scratch or from `state`.

        Parameters
        ----------
        domains : Domains
        plan : Schedule
        seed : int
            Together with the step it determines every random draw.
        state : dict, optional
            What the third argument of `after_step` returned in an interrupted training.
        after_step : callable, optional
            Called as ``after_step(steps done, curve, state)``; ``state()`` is all that is
            needed to go on from here.

        Returns
        -------
        list of dict
            The curve: ``step`` and the mean of each of :data:`TERMS`.
        """
        device = self.accelerator.device
        curve = Curve(-(-plan.steps // _POINTS), torch.zeros(len(TERMS), device=device))
        pool_target, pool_source = ImagePool(plan.image_pool), ImagePool(plan.image_pool)
        pools = [pool_target, pool_source]
        self._start(seed)
        first = self._restore(state, curve, pools) if state else 0
        for step in range(first, plan.steps):
            rng = np.random.default_rng((seed, step))
            images = (
                draw_batch(domains.samples, rows, step, plan.batch_size, seed, rng)
                for rows in (domains.source, domains.target)
            )
            source, target = (to_tensor(batch, device) for batch in images)
            for group in itertools.chain.from_iterable(adam.param_groups for adam in self._adams):
                group["lr"] = plan.rate(step)
            losses, fake_target, fake_source = self._step_generators(source, target)
            judged = self._step_judges(
                source, target, pool_source.query(fake_source, rng),
                pool_target.query(fake_target, rng),
            )  # fmt: skip
            curve.add(step, torch.stack([losses[0], judged, *losses[1:]]))
            if after_step is not None:
                done = step + 1
                after_step(done, curve, partial(self._state, done, curve, pools))
        return curve.points

    def translator(self) -> dict[str, torch.Tensor]:
        """Return a copy of the weights of the generator from source to target, on the CPU."""
        weights = self.generators[0].state_dict()
        return {name: value.to("cpu", copy=True) for name, value in weights.items()}

    def _step_generators(
        self, source: torch.Tensor, target: torch.Tensor
    ) -> tuple[list[torch.Tensor], torch.Tensor, torch.Tensor]:
        count = len(source)
        # Only the generators learn here: no gradient of a discriminator's weights is formed.
        self.judges.requires_grad_(False)
        # Instance norm keeps images apart, so translation and identity share a pass.
        fake_target, same_target = self._to_target(torch.cat([source, target])).split(count)
        fake_source, same_source = self._to_source(torch.cat([target, source])).split(count)
        adversarial = adversarial_loss(self._judge_target(fake_target), real=True)
        adversarial = adversarial + adversarial_loss(self._judge_source(fake_source), real=True)
        cycle = reconstruction_loss(self._to_source(fake_target), source)
        cycle = cycle + reconstruction_loss(self._to_target(fake_source), target)
        identity = reconstruction_loss(same_target, target)
        identity = identity + reconstruction_loss(same_source, source)
        total = adversarial + self.weights.cycle * cycle + self.weights.identity * identity
        self._update(0, total)
        self.judges.requires_grad_(True)
        losses = [loss.detach() for loss in (total, adversarial, cycle, identity)]
        return losses, fake_target.detach(), fake_source.detach()

    def _step_judges(
        self,
        source: torch.Tensor,
        target: torch.Tensor,
        fake_source: torch.Tensor,
        fake_target: torch.Tensor,
    ) -> torch.Tensor:
        count = len(source)
        on_target = self._judge_target(torch.cat([target, fake_target])).split(count)
        on_source = self._judge_source(torch.cat([source, fake_source])).split(count)
        total = discriminator_loss(*on_target) + discriminator_loss(*on_source)
        self._update(1, total)
        return total.detach()

    def _update(self, which: int, loss: torch.Tensor) -> None:
        self._optimizers[which].zero_grad(set_to_none=True)
        self.accelerator.backward(loss)
        self._optimizers[which].step()

    def _adam(self, networks: nn.Module) -> torch.optim.Adam:
        fused = self.accelerator.device.type in {"cpu", "cuda"}
        return torch.optim.Adam(networks.parameters(), betas=(0.5, 0.999), fused=fused)

    def _start(self, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        initialise(self.generators, generator)
        initialise(self.judges, generator)
        for adam in self._adams:
            adam.state.clear()

    def _state(self, done: int, curve: Curve, pools: list[ImagePool]) -> State:
        return {
            "step": done,
            "generators": self.generators.state_dict(),
            "judges": self.judges.state_dict(),
            "adams": [
                [dict(adam.state[p]) for p in adam.param_groups[0]["params"]]
                for adam in self._adams
            ],
            "pools": [list(pool.images) for pool in pools],
            "sums": curve.sums,
            "points": list(curve.points),
        }

    def _restore(self, state: Any, curve: Curve, pools: list[ImagePool]) -> int:
        self.generators.load_state_dict(state["generators"])
        self.judges.load_state_dict(state["judges"])
        device = self.accelerator.device
        for adam, moments in zip(self._adams, state["adams"], strict=True):
            parameters = adam.param_groups[0]["params"]
            for parameter, saved in zip(parameters, moments, strict=True):
                # Only a fused Adam counts its steps on the device.
                counter = device if adam.defaults["fused"] else torch.device("cpu")
                adam.state[parameter] = {
                    name: value.to(counter if name == "step" else device, copy=True)
                    for name, value in saved.items()
                }
        for pool, images in zip(pools, state["pools"], strict=True):
            pool.images = [image.to(device, copy=True) for image in images]
        curve.sums.copy_(state["sums"])
        curve.points = [dict(point) for point in state["points"]]
        return int(state["step"])
