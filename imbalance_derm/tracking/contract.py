"""What a tracker is: it is told of the run's events. One that raises never fails the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from imbalance_derm.experiment.events import (
    EpochFinished,
    Event,
    RunFinished,
    RunStarted,
    StageFinished,
)


class Tracker:
    """Base of every tracker, constructed as ``Tracker(folder, **parameters)``.

    A subclass overrides the events that it cares for.
    """

    presets: ClassVar[dict[str, dict[str, Any]]] = {}

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run_started(self, event: RunStarted) -> None:
        """Hear that the run begins."""

    def stage_finished(self, event: StageFinished) -> None:
        """Hear that a stage was computed or found in the cache."""

    def epoch_finished(self, event: EpochFinished) -> None:
        """Hear of a look at the validation set."""

    def run_finished(self, event: RunFinished) -> None:
        """Hear that the record is written."""


def tell(tracker: Tracker, event: Event) -> None:
    """Hand `event` to the method of `tracker` that is named after it."""
    if isinstance(event, RunStarted):
        tracker.run_started(event)
    elif isinstance(event, StageFinished):
        tracker.stage_finished(event)
    elif isinstance(event, EpochFinished):
        tracker.epoch_finished(event)
    elif isinstance(event, RunFinished):
        tracker.run_finished(event)
