"""The training of a CycleGAN on sets of unpaired images, resumable at any step."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, cast

import numpy as np
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from imbalance_derm.synth.cyclegan.batches import draw_batch
from imbalance_derm.synth.cyclegan.conditioning import Generators
from imbalance_derm.synth.cyclegan.curve import Curve, Point
from imbalance_derm.synth.cyclegan.diffaugment import Transform, draw_transform
from imbalance_derm.synth.cyclegan.image_pool import ImagePool
from imbalance_derm.synth.cyclegan.losses import (
    LossWeights,
    adversarial_loss,
    discriminator_loss,
    reconstruction_loss,
)
from imbalance_derm.synth.cyclegan.networks import initialise
from imbalance_derm.synth.cyclegan.optimisation import (
    adam_state,
    make_adam,
    restore_adam,
    warmed_average,
)
from imbalance_derm.synth.cyclegan.schedule import SOURCE, Domains, Schedule
from imbalance_derm.synth.pixels import to_tensor
from imbalance_derm.training.context import State, TrainingContext

AfterStep = Callable[[int, Point | None, Callable[[], State]], None]


class Trainer:
    """Generators and discriminators, trained on one set of domains after another.

    Parameters
    ----------
    generators : PerDomain or LabelPlanes
        Called as ``generators(images, domain)``.
    judges : PerDomain or LabelScore
        The discriminators, called alike.
    weights : LossWeights
    context : TrainingContext
        Device and precision.
    ema : float
        Decay of the moving average of the generators' weights; 0 keeps none.
    """

    def __init__(
        self,
        generators: Generators,
        judges: nn.Module,
        weights: LossWeights,
        context: TrainingContext,
        ema: float = 0.0,
    ) -> None:
        self.weights = weights
        self.context = context
        self.generators = generators
        self.judges = judges
        accelerator = context.accelerator
        # Copied before `prepare` wraps the forward pass; its counter stays on the host.
        self.average = AveragedModel(generators, multi_avg_fn=warmed_average(ema)) if ema else None
        if self.average is not None:
            self.average.module.to(accelerator.device)
        self._generate, self._judge = accelerator.prepare(generators), accelerator.prepare(judges)
        self._adams = [make_adam(generators, accelerator), make_adam(judges, accelerator)]
        self._optimizers = [accelerator.prepare(adam) for adam in self._adams]

    def train(
        self,
        domains: Domains,
        plan: Schedule,
        seed: int,
        state: State | None = None,
        after_step: AfterStep | None = None,
    ) -> list[list[Point]]:
        """Train on one set of domains, from scratch or from `state`.

        The target domains take turns, a step each; a step trains both directions between the
        source and its target.

        Parameters
        ----------
        domains : Domains
        plan : Schedule
        seed : int
            Together with the step it determines every random draw.
        state : dict, optional
            What the third argument of `after_step` returned in an interrupted training.
        after_step : callable, optional
            Called as ``after_step(steps done, new point of a curve or None, state)``;
            ``state()`` is all that is needed to go on from here.

        Returns
        -------
        list of list of dict
            A curve for each target domain: ``step``, of that domain, and the mean of each of
            :data:`~imbalance_derm.synth.cyclegan.curve.TERMS`.
        """
        device, size = self.context.accelerator.device, domains.samples.shape[1]
        curves = [Curve.over(-(-plan.steps // domains.targets), device) for _ in domains.rows[1:]]
        pools = [ImagePool(plan.image_pool) for _ in domains.rows]
        self._start(seed)
        first = self._restore(state, curves, pools) if state else 0
        for step in range(first, plan.steps):
            rng = np.random.default_rng((seed, step))
            domain, turn = domains.turn(step)
            source, target = (
                to_tensor(
                    draw_batch(domains.samples, domains.rows[side], at, plan.batch_size, seed, rng),
                    device,
                )
                for side, at in ((SOURCE, step), (domain, turn))
            )
            transform = draw_transform(plan.diffaugment, plan.batch_size, size, rng)
            for adam, rate in zip(self._adams, plan.rates(step), strict=True):
                for group in adam.param_groups:
                    group["lr"] = rate
            losses, fake_target, fake_source = self._step_generators(
                source, target, domain, transform
            )
            judged = self._step_judges(
                source, target, pools[SOURCE].query(fake_source, rng),
                pools[domain].query(fake_target, rng), domain, transform,
            )  # fmt: skip
            point = curves[domain - 1].add(turn, torch.stack([losses[0], judged, *losses[1:]]))
            if after_step is not None:
                after_step(step + 1, point, partial(self._state, step + 1, curves, pools))
        return [curve.points for curve in curves]

    def translators(self) -> dict[str, torch.Tensor]:
        """Return a copy of the weights that make target domains, averaged where asked for."""
        network = self.generators
        if self.average is not None:
            network = cast(Generators, self.average.module)
        return {
            name: value.to("cpu", copy=True) for name, value in network.target_weights().items()
        }

    def _step_generators(
        self, source: torch.Tensor, target: torch.Tensor, domain: int, transform: Transform
    ) -> tuple[list[torch.Tensor], torch.Tensor, torch.Tensor]:
        count = len(source)
        # Only the generators learn here: no gradient of a discriminator's weights is formed.
        self.judges.requires_grad_(False)
        with self.context.autocast():
            # Instance norm keeps images apart, so translation and identity share a pass.
            both = torch.cat([source, target])
            fake_target, same_target = self._generate(both, domain).split(count)
            both = torch.cat([target, source])
            fake_source, same_source = self._generate(both, SOURCE).split(count)
            back_source = self._generate(fake_target, SOURCE)
            back_target = self._generate(fake_source, domain)
            on_target = self._judge(transform(fake_target), domain)
            on_source = self._judge(transform(fake_source), SOURCE)
        adversarial = adversarial_loss(on_target, True) + adversarial_loss(on_source, True)
        cycle = reconstruction_loss(back_source, source)
        cycle = cycle + reconstruction_loss(back_target, target)
        identity = reconstruction_loss(same_target, target)
        identity = identity + reconstruction_loss(same_source, source)
        total = adversarial + self.weights.cycle * cycle + self.weights.identity * identity
        self._update(0, total)
        self.judges.requires_grad_(True)
        if self.average is not None:
            self.average.update_parameters(self.generators)
        losses = [loss.detach() for loss in (total, adversarial, cycle, identity)]
        return losses, fake_target.detach(), fake_source.detach()

    def _step_judges(
        self,
        source: torch.Tensor,
        target: torch.Tensor,
        fake_source: torch.Tensor,
        fake_target: torch.Tensor,
        domain: int,
        transform: Transform,
    ) -> torch.Tensor:
        total = torch.zeros((), device=source.device)
        for real, fake, side in ((target, fake_target, domain), (source, fake_source, SOURCE)):
            with self.context.autocast():
                shown = torch.cat([transform(real), transform(fake)])
                on_real, on_fake = self._judge(shown, side).split(len(real))
            total = total + discriminator_loss(on_real, on_fake)
        self._update(1, total)
        return total.detach()

    def _update(self, which: int, loss: torch.Tensor) -> None:
        self._optimizers[which].zero_grad(set_to_none=True)
        self.context.accelerator.backward(loss)
        self._optimizers[which].step()

    def _start(self, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        initialise(self.generators, generator)
        initialise(self.judges, generator)
        for adam in self._adams:
            adam.state.clear()
        if self.average is not None:
            self.average.n_averaged.zero_()

    def _state(self, done: int, curves: list[Curve], pools: list[ImagePool]) -> State:
        return {
            "step": done,
            "generators": self.generators.state_dict(),
            "judges": self.judges.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
            "adams": [adam_state(adam) for adam in self._adams],
            "pools": [list(pool.images) for pool in pools],
            "curves": [curve.state() for curve in curves],
        }

    def _restore(self, state: Any, curves: list[Curve], pools: list[ImagePool]) -> int:
        self.generators.load_state_dict(state["generators"])
        self.judges.load_state_dict(state["judges"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        device = self.context.accelerator.device
        for adam, moments in zip(self._adams, state["adams"], strict=True):
            restore_adam(adam, moments, device)
        for pool, images in zip(pools, state["pools"], strict=True):
            pool.images = [image.to(device, copy=True) for image in images]
        for curve, saved in zip(curves, state["curves"], strict=True):
            curve.restore(saved)
        return int(state["step"])
