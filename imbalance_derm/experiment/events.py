"""What happens during a run, as typed events; progress bars and trackers listen to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from imbalance_derm.experiment.record import Record, StageEntry


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run begins in `folder` with the fully resolved specification."""

    name: str
    folder: Path
    spec: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StageStarted:
    """A stage is about to be computed; it was not in the cache.

    The report, which is never cached, has an empty key.
    """

    stage: str
    key: str


@dataclass(frozen=True, slots=True)
class StageWaits:
    """Another process is computing the stage; it is started, or found, once that has ended."""

    stage: str
    key: str


@dataclass(frozen=True, slots=True)
class StageProgress:
    """`done` of `total` units of a stage, with figures worth showing."""

    stage: str
    done: int
    total: int
    figures: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StageFinished:
    """A stage is there, computed or found."""

    entry: StageEntry


@dataclass(frozen=True, slots=True)
class EpochFinished:
    """The classifier was looked at on the validation set after `update` of `updates`."""

    update: int
    updates: int
    figures: dict[str, float]


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The record is written in `folder`."""

    record: Record
    folder: Path


Event = (
    RunStarted
    | StageStarted
    | StageWaits
    | StageProgress
    | StageFinished
    | EpochFinished
    | RunFinished
)
Listener = Callable[[Event], None]
