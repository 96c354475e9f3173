"""The optimiser and its learning rate."""

from __future__ import annotations

import math

import torch
from torch import nn

from imbalance_derm.errors import InputError
from imbalance_derm.experiment.spec import TrainSection
from imbalance_derm.registry.manager import suggest


def make_optimizer(model: nn.Module, settings: TrainSection) -> torch.optim.Optimizer:
    """Build the torch optimiser named in `settings`; only matrices and kernels are decayed.

    Raises
    ------
    InputError
        PyTorch has no such optimiser (the nearest is named), or it takes no weight decay.
    """
    known = [n for n, c in vars(torch.optim).items() if isinstance(c, type) and n != "Optimizer"]
    if settings.optimizer not in known:
        hint = suggest(settings.optimizer, known)
        raise InputError(f"train.optimizer='{settings.optimizer}' is not in torch.optim{hint}")
    trained = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    build = getattr(torch.optim, settings.optimizer)
    return build([g for g in groups if g["params"]], lr=settings.learning_rate)


def learning_rate(settings: TrainSection, update: int, updates: int) -> float:
    """Return the learning rate of `update`: linear warm-up, then a cosine to 0 or a constant.

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
    share = (update - warm) / max(updates - warm, 1)
    return settings.learning_rate * (1 + math.cos(math.pi * share)) / 2
