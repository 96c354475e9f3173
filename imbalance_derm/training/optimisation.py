"""Parameter groups and their learning rate."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from torch import nn

from imbalance_derm.experiment.spec import TrainSection


def parameter_groups(modules: Iterable[nn.Module], settings: TrainSection) -> list[dict[str, Any]]:
    """Return the trained parameters in groups for an optimiser.

    Only matrices and kernels are decayed.
    """
    trained = [p for module in modules for p in module.parameters() if p.requires_grad]
    rate = settings.learning_rate
    groups = [
        {
            "params": [p for p in trained if p.ndim > 1],
            "lr": rate,
            "weight_decay": settings.weight_decay,
        },
        {"params": [p for p in trained if p.ndim <= 1], "lr": rate, "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def learning_rate(settings: TrainSection, update: int, updates: int, plateaus: int = 0) -> float:
    """Return the learning rate of `update`: a linear warm-up, then what the schedule says.

    A cosine to 0, a constant, or a tenth of what it was after each of the `plateaus` so far.

    Examples
    --------
    >>> settings = TrainSection(learning_rate=1.0, warmup=0.0)
    >>> learning_rate(settings, 50, 100)
    0.5
    """
    warm = settings.warmup * updates
    if update < warm:
        return settings.learning_rate * (update + 1) / (warm + 1)
    if settings.schedule == "constant":
        return settings.learning_rate
    if settings.schedule == "plateau":
        return settings.learning_rate * 0.1**plateaus
    share = (update - warm) / max(updates - warm, 1)
    return settings.learning_rate * (1 + math.cos(math.pi * share)) / 2


def updates_of(settings: TrainSection, real: int, synthetic: int = 0) -> int:
    """Return the budget in optimiser updates for a number of real and of synthetic images.

    Examples
    --------
    >>> updates_of(TrainSection(epochs=2.0, batch_size=32), real=100, synthetic=60)
    7
    >>> updates_of(TrainSection(epochs=2.0, batch_size=32, epoch_over="all"), 100, 60)
    10
    """
    images = real + synthetic if settings.epoch_over == "all" else real
    return settings.updates or math.ceil(settings.epochs * images / settings.batch_size)


def stage_ends(shares: list[float], updates: int) -> list[int]:
    """Return the update after which each stage ends; every stage has one update at least.

    Examples
    --------
    >>> stage_ends([0.75, 0.25], 100)
    [75, 100]
    """
    total, done = sum(shares), 0.0
    ends: list[int] = []
    for share in shares:
        done += share
        ends.append(max(round(updates * done / total), len(ends) + 1))
    return ends
