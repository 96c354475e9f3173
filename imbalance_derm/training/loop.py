"""The training loop of the classifier: plain PyTorch, counted in optimiser updates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from imbalance_derm.experiment.spec import TrainSection
from imbalance_derm.models.contract import Batch, Model, Outputs
from imbalance_derm.registry.parameters import create
from imbalance_derm.schedule.contract import TrainingStage, set_training_mode, start_stage
from imbalance_derm.schedule.step import Parts, Step
from imbalance_derm.training.accuracy import RunningAccuracy
from imbalance_derm.training.augmentation import AUGMENTATIONS
from imbalance_derm.training.averaging import WeightAverage
from imbalance_derm.training.context import State, TrainingContext, seed_step
from imbalance_derm.training.history import History
from imbalance_derm.training.inference import embed_inputs
from imbalance_derm.training.inputs import to_inputs
from imbalance_derm.training.optimisation import (
    learning_rate,
    parameter_groups,
    stage_ends,
    updates_of,
)
from imbalance_derm.training.plan import Plan, second_sampler
from imbalance_derm.training.pool import Pool
from imbalance_derm.training.rows import RowStream
from imbalance_derm.training.surgery import project

Validate = Callable[[Model], float]
"""Returns the figure that picks the checkpoint; higher is better."""
CURVE_POINTS = 100
"""Points of the loss curve, looks at validation apart."""
_MIXING, _SECOND = 1, 2
"""Set the draws of a mixer and of a second stream apart from the sampler's."""


def train_classifier(
    model: Model,
    pool: Pool,
    plan: Plan,
    settings: TrainSection,
    validate: Validate,
    context: TrainingContext,
    looked: Callable[[int, int, float], None] = lambda update, updates, figure: None,
) -> History:
    """Train `model` stage by stage for a fixed number of updates; keep the best look.

    Parameters
    ----------
    model : Model
        Trained in place; ends with the weights of the best look of the last stage.
    pool : Pool
        Real lesions and synthetic samples.
    plan : Plan
        Loss, sampler, mixer, stages and optimiser.
    settings : TrainSection
    validate : callable
        ``validate(model)``; higher is better.
    context : TrainingContext
        An interrupted training goes on from ``context.checkpoint`` to the same numbers.
    looked : callable
        Told of each look at validation: ``looked(update, updates, figure)``.

    Returns
    -------
    History

    Raises
    ------
    InputError
        The parts cannot work with one another or with the pool's samples.
    """
    plan.check(model, embeddings=pool.embeddings is not None)
    updates = updates_of(settings, len(pool.real), len(pool) - len(pool.real))
    ends = stage_ends([stage.share for stage in plan.stages], updates)
    looks = {round(updates * (i + 1) / settings.validations) for i in range(settings.validations)}
    features = model.backbone.features if model.backbone else pool.real.samples.shape[1]
    for learned in (plan.parts.loss, plan.parts.mixer):
        learned.prepare(len(pool.real.classes), features)
    model.to(device=context.accelerator.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    network = context.accelerator.prepare(model)
    history, state = History(), context.checkpoint.load()
    first: int = 0 if state is None else state["stage"]  # type: ignore[assignment]
    for number, stage in enumerate(plan.stages):
        if number < first:
            continue
        leg = _Leg(number, ends[number - 1] if number else 0, ends[number], updates)
        trainer = _StageTrainer(leg, stage, plan, model, network, pool, settings, context, history)
        if state is not None:
            trainer.go_to(state)
            history, state = trainer.history, None
        trainer.train(looks | {ends[number]}, validate, looked)
    if model.head.remembers():
        inputs = (model, pool.real.samples, context.accelerator)
        labels = torch.from_numpy(pool.real.labels).to(context.accelerator.device)
        model.head.remember(embed_inputs(*inputs), labels)
    return history


@dataclass(frozen=True)
class _Leg:
    """The part of the budget that one stage has: updates after `start`, up to `end`."""

    number: int
    start: int
    end: int
    updates: int


class _StageTrainer:
    """One stage: its optimiser, its streams of rows, its place."""

    def __init__(
        self,
        leg: _Leg,
        stage: TrainingStage,
        plan: Plan,
        model: Model,
        network: nn.Module,
        pool: Pool,
        settings: TrainSection,
        context: TrainingContext,
        history: History,
    ) -> None:
        self.leg, self.stage, self.model, self.network = leg, stage, model, network
        self.pool, self.settings, self.context, self.history = pool, settings, context, history
        device = context.accelerator.device
        # The draws of a re-initialisation; negative, so that no update has the same.
        seed_step(context.seed, -2 - leg.number)
        start_stage(stage, model)
        self.parts: Parts = stage.parts(plan.parts)
        loss, mixer = self.parts.loss, self.parts.mixer
        self.learned = nn.ModuleList([loss, mixer, stage]).to(device)
        self.modules = (model, self.learned)
        groups = parameter_groups(self.modules, settings)
        self.optimizer = context.accelerator.prepare(plan.make_optimizer(groups))
        self.average = WeightAverage(model, settings) if settings.average != "none" else None
        self.accuracy = RunningAccuracy(len(pool.real.classes), context.accelerator)
        self.streams = [self._stream(self.parts.sampler, [context.seed])]
        if second := second_sampler(model.head, mixer):
            self.streams.append(self._stream(create("sampler", second), [context.seed, _SECOND]))
        self.augment = AUGMENTATIONS[settings.augment if pool.embeddings is None else "none"]
        self.update, self.since = leg.start, 0
        self.summed = torch.zeros((), device=device)
        self.best: dict[str, torch.Tensor] = model.state_dict()
        history.start = leg.start

    def _stream(self, sampler: Any, seed: list[int]) -> RowStream:
        accelerator = self.context.accelerator
        if self.leg.number:
            seed = [*seed, self.leg.number]
        process, processes = accelerator.process_index, accelerator.num_processes
        return RowStream(
            sampler, self.pool, seed, accelerator.device, process=process, processes=processes
        )

    def train(
        self,
        looks: set[int],
        validate: Validate,
        looked: Callable[[int, int, float], None],
    ) -> None:
        """Take the stage's updates and leave the model with the weights of the best look."""
        leg, history = self.leg, self.history
        set_training_mode(self.stage, self.model)
        while self.update < leg.end and not history.stalled(self.settings.patience):
            self.summed += self._step()
            self.update, self.since = self.update + 1, self.since + 1
            history.taken += 1
            if self.average is not None:
                done = (self.update - leg.start) / (leg.end - leg.start)
                self.average.update(self.model, done)
            look = self.update in looks
            if look or self.since >= leg.updates / CURVE_POINTS:
                history.updates.append(self.update)
                history.losses.append(float(self.summed) / self.since)
                self.summed, self.since = torch.zeros_like(self.summed), 0
            if look:
                judged = self.average.best_of(self.model) if self.average else self.model
                figure = validate(judged)
                set_training_mode(self.stage, self.model)
                history.looks.append([self.update, figure])
                if history.best[0] == self.update:
                    tensors = judged.state_dict().items()
                    self.best = {k: v.detach().to("cpu", copy=True) for k, v in tensors}
                looked(self.update, leg.updates, figure)
            self.context.progress(self.update, leg.updates, history.figures())
            if self.context.checkpoint.due():
                self.context.checkpoint.save(self.state())
        self.model.load_state_dict(self.best)

    def _step(self) -> torch.Tensor:
        """Take one update and return its loss, still on the device."""
        settings, leg, device = self.settings, self.leg, self.context.accelerator.device
        progress = self.update / leg.updates
        drawn, size = [], settings.batch_size
        for stream in self.streams:
            drawn.append(stream.next(size, progress, self.accuracy.by_class))
            size = len(drawn[-1])  # a pass may be shorter than a batch; the next is no longer
        rows = np.concatenate([part[:size] for part in drawn])
        raw = to_inputs(self.pool.gather(rows), device)
        labels = torch.from_numpy(self.pool.labels[rows]).to(device)
        sites = torch.from_numpy(self.pool.sites[rows]).to(device)
        plateaus = self.history.plateaus(settings.plateau)
        rate = learning_rate(settings, self.update - leg.start, leg.end - leg.start, plateaus)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * self.stage.learning_rate

        values: list[torch.Tensor] = []

        def closure() -> torch.Tensor:
            # Called twice by some optimisers, which have to see the same draws.
            seed_step(self.context.seed, self.update)
            batch = Batch(self.augment(raw), labels, sites, second=len(rows) - size)
            step = Step(
                self.model, self._forward, batch, self.augment, self.parts,
                self.streams[0].counts, progress,
                np.random.default_rng([self.context.seed, self.update, _MIXING]),
                self.accuracy.observe,
            )  # fmt: skip
            value = self.stage.objective(step)
            self.optimizer.zero_grad(set_to_none=True)
            values.append(self._backward(value, step.rng).detach())
            return values[0]

        if self.context.accelerator.scaler is not None:
            # Loss scaling cannot be combined with a closure.
            closure()
            self.optimizer.step()
        else:
            self.optimizer.step(closure)
        return values[0]

    def _forward(self, inputs: torch.Tensor) -> tuple[Outputs, torch.Tensor]:
        with self.context.accelerator.autocast():
            outputs: tuple[Outputs, torch.Tensor] = self.network(inputs)
        return outputs

    def _backward(self, value: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
        accelerator = self.context.accelerator
        if value.ndim == 0:
            accelerator.backward(value)
            return value
        scaled = value if accelerator.scaler is None else accelerator.scaler.scale(value)
        trained = [p for module in self.modules for p in module.parameters() if p.requires_grad]
        project(scaled, trained, rng)
        return value.sum()

    def state(self) -> State:
        """Return all that an interrupted training needs to go on."""
        averaged = self.average.averaged.state_dict() if self.average else {}
        return State(
            stage=self.leg.number,
            model=self.model.state_dict(),
            optimizer=self.optimizer.state_dict(),
            learned=self.learned.state_dict(),
            averaged=averaged,
            accuracy=self.accuracy.state(),
            history=vars(self.history),
            best=self.best,
            update=self.update,
            streams=[stream.state() for stream in self.streams],
            summed=self.summed,
            since=self.since,
        )

    def go_to(self, state: Any) -> None:
        """Go to where :meth:`state` was taken."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.learned.load_state_dict(state["learned"])
        if self.average is not None:
            self.average.averaged.load_state_dict(state["averaged"])
        self.accuracy.go_to(state["accuracy"])
        self.history, self.best, self.update = (
            History(**state["history"]), state["best"], state["update"],
        )  # fmt: skip
        for stream, place in zip(self.streams, state["streams"], strict=True):
            stream.go_to(place)
        self.summed, self.since = state["summed"].to(self.summed.device), state["since"]
