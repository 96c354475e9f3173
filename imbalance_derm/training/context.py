"""What everything that trains a network is handed: device, seed, checkpoints and progress."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Protocol

import torch
from accelerate import Accelerator

State = dict[str, object]
"""Nested dicts and lists of tensors, numbers, strings, booleans and None."""


class Checkpoint(Protocol):
    """Where a training puts its state so that it can go on after a kill."""

    def load(self) -> State | None:
        """Return the last saved state, or None."""

    def save(self, state: State) -> None:
        """Replace the saved state, atomically."""

    def due(self) -> bool:
        """Whether enough time has passed since the last save."""


class NoCheckpoint:
    """Keeps nothing: for short trainings and tests."""

    def load(self) -> State | None:
        """Return None."""
        return None

    def save(self, state: State) -> None:
        """Drop `state`."""

    def due(self) -> bool:
        """Return False."""
        return False


def _silent(done: int, total: int, figures: dict[str, float]) -> None:
    pass


@dataclass
class TrainingContext:
    """Device, seed, checkpoint and progress of one training.

    Attributes
    ----------
    accelerator : Accelerator
        Device, mixed precision and processes.
    seed : int
    checkpoint : Checkpoint
    progress : callable
        ``progress(done, total, figures)``: work done, in steps, and figures to show.
    autocast : callable
        ``with context.autocast():`` runs the forward passes of a generative network in mixed
        precision where that is faster: bfloat16 also on CPUs that have units for it, which
        pays for plain convolutions and not for the classifier's depthwise ones. Losses are
        computed in float32, outside.
    """

    accelerator: Accelerator
    seed: int = 0
    checkpoint: Checkpoint = field(default_factory=NoCheckpoint)
    progress: Callable[[int, int, dict[str, float]], None] = _silent
    autocast: Callable[[], AbstractContextManager[object]] = nullcontext


def seed_step(seed: int, step: int) -> None:
    """Make every random draw of one step a function of (seed, step).

    A resumed training then needs no generator state to go on to the same numbers.
    """
    torch.manual_seed((seed * 1_000_003 + step) % 2**63)
