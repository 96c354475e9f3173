"""The training loop of the classifier: plain PyTorch, counted in optimiser updates."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from imbalance_derm.experiment.spec import TrainSection
from imbalance_derm.losses.contract import Loss
from imbalance_derm.models.contract import Batch, Model
from imbalance_derm.sampling.contract import Sampler, SamplingContext
from imbalance_derm.sampling.mixing import Mixer, mix_batch
from imbalance_derm.training.augmentation import AUGMENTATIONS
from imbalance_derm.training.context import State, TrainingContext, seed_step
from imbalance_derm.training.inputs import to_inputs
from imbalance_derm.training.optimisation import learning_rate, make_optimizer
from imbalance_derm.training.pool import Pool

Validate = Callable[[Model], float]
"""Returns the figure that picks the checkpoint; higher is better."""
CURVE_POINTS = 100
"""Points of the loss curve, looks at validation apart."""
_MIXING = 1
"""Sets the mixer's draws apart from the sampler's."""


@dataclass
class History:
    """What happened so far; part of the checkpoint.

    Attributes
    ----------
    updates, losses : list
        Update numbers and the mean training loss since the entry before.
    looks : list of (update, figure)
        Every look at the validation set.
    """

    updates: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    looks: list[list[float]] = field(default_factory=list)

    @property
    def best(self) -> tuple[int, float]:
        """Update and figure of the best look; the earliest of equals."""
        # A diverged model gives NaN, which must lose against everything.
        update, figure = max(
            self.looks, key=lambda look: (-math.inf if math.isnan(look[1]) else look[1], -look[0])
        )
        return int(update), figure

    def stalled(self, patience: int) -> bool:
        """Whether the last `patience` looks brought nothing better; patience 0 is endless."""
        after_best = sum(1 for update, _ in self.looks if update > self.best[0])
        return bool(patience) and after_best >= patience


@dataclass
class _Rows:
    """The stream of rows, pass by pass; its place is two integers and a share."""

    sampler: Sampler
    pool: Pool
    seed: int
    device: torch.device
    number: int = -1
    place: int = 0
    progress: float = 0.0

    def draw(self) -> None:
        """Draw the pass `number` anew; also after a resume."""
        labels, classes = self.pool.labels, len(self.pool.real.classes)
        rng = np.random.default_rng([self.seed, self.number])
        context = SamplingContext(labels, classes, self.progress)
        self.order = np.asarray(self.sampler.order(context, rng), dtype=np.int64)
        self.counts = self.pool.counts(self.order, self.device)

    def next(self, size: int, progress: float) -> np.ndarray:
        """Return the rows of the next batch; what is left of a pass below a batch is dropped."""
        if self.number < 0 or self.place + min(size, len(self.order)) > len(self.order):
            self.number, self.place, self.progress = self.number + 1, 0, progress
            self.draw()
        rows = self.order[self.place : self.place + size]
        self.place += size
        return rows


def updates_of(settings: TrainSection, real_images: int) -> int:
    """Return the budget in optimiser updates; an epoch is a pass over the real images.

    Examples
    --------
    >>> updates_of(TrainSection(epochs=2.0, batch_size=32), real_images=100)
    7
    """
    return settings.updates or math.ceil(settings.epochs * real_images / settings.batch_size)


def train_classifier(
    model: Model,
    pool: Pool,
    loss: Loss,
    sampler: Sampler,
    mixer: Mixer,
    settings: TrainSection,
    validate: Validate,
    context: TrainingContext,
    looked: Callable[[int, int, float], None] = lambda update, updates, figure: None,
) -> History:
    """Train `model` in place and leave it with the weights of its best look at validation.

    Parameters
    ----------
    model : Model
        Parameters that need no gradient stay as they are.
    pool : Pool
        Rows to draw from.
    loss : Loss
        The lesion loss; the head decides what else is minimised.
    sampler : Sampler
    mixer : Mixer
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
        `mixer` cannot mix the pool's samples.
    """
    mixer.check(embeddings=pool.real.samples.ndim == 2)
    accelerator, device = context.accelerator, context.accelerator.device
    updates = updates_of(settings, len(pool.real))
    look_at = {round(updates * (i + 1) / settings.validations) for i in range(settings.validations)}
    model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = make_optimizer(model, settings)
    network, optimizer = accelerator.prepare(model, optimizer)
    augment = AUGMENTATIONS[settings.augment if pool.real.samples.ndim == 4 else "none"]
    rows, history, best = _Rows(sampler, pool, context.seed, device), History(), model.state_dict()
    update, summed, since = 0, torch.zeros((), device=device), 0

    state: Any = context.checkpoint.load()
    if state is not None:
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        history, best, update = History(**state["history"]), state["best"], state["update"]
        rows = _Rows(sampler, pool, context.seed, device, **state["rows"])
        rows.draw()
        summed, since = state["summed"].to(device), state["since"]

    network.train()
    while update < updates and not (history.looks and history.stalled(settings.patience)):
        seed_step(context.seed, update)
        progress = update / updates
        chosen = rows.next(settings.batch_size, progress)
        batch = Batch(
            augment(to_inputs(pool.gather(chosen), device)),
            torch.from_numpy(pool.labels[chosen]).to(device),
            torch.from_numpy(pool.sites[chosen]).to(device),
        )
        rng = np.random.default_rng([context.seed, update, _MIXING])
        batches = mix_batch(mixer, batch, rows.counts.classes, progress, rng)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(settings, update, updates)
        with accelerator.autocast():
            outputs, features = network(batches[0].inputs)
        first, *others = (
            model.head.objective(outputs, features, labelled, loss, rows.counts, progress)
            for labelled in batches
        )
        value = sum(others, start=first)
        optimizer.zero_grad(set_to_none=True)
        accelerator.backward(value)
        optimizer.step()

        update, since = update + 1, since + 1
        summed += value.detach()
        if update in look_at or since >= updates / CURVE_POINTS:
            history.updates.append(update)
            history.losses.append(float(summed) / since)
            summed, since = torch.zeros((), device=device), 0
        if update in look_at:
            figure = validate(model)
            history.looks.append([update, figure])
            if history.best[0] == update:
                best = {k: v.detach().to("cpu", copy=True) for k, v in model.state_dict().items()}
            looked(update, updates, figure)
        context.progress(update, updates, _figures(history))
        if context.checkpoint.due():
            place = {"number": rows.number, "place": rows.place, "progress": rows.progress}
            state = State(
                model=model.state_dict(),
                optimizer=optimizer.state_dict(),
                history=vars(history),
                best=best,
                update=update,
                rows=place,
                summed=summed,
                since=since,
            )
            context.checkpoint.save(state)
    model.load_state_dict(best)
    return history


def _figures(history: History) -> dict[str, float]:
    loss = {"loss": history.losses[-1]} if history.losses else {}
    return {**loss, "validation": history.looks[-1][1]} if history.looks else loss
