"""Every event of the run as a line of JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from imbalance_derm.experiment.events import EpochFinished, RunFinished, RunStarted, StageFinished
from imbalance_derm.tracking.contract import Tracker


class JsonLines(Tracker):
    """Append each event to a file in the run's folder.

    Parameters
    ----------
    file : str
        Name of the file.
    """

    def __init__(self, folder: Path, *, file: str = "events.jsonl") -> None:
        super().__init__(folder)
        self.path = folder / file

    def run_started(self, event: RunStarted) -> None:
        """Write the specification."""
        self._write("run_started", {"name": event.name, "spec": event.spec})

    def stage_finished(self, event: StageFinished) -> None:
        """Write the stage's entry."""
        self._write("stage_finished", asdict(event.entry))

    def epoch_finished(self, event: EpochFinished) -> None:
        """Write the validation figures."""
        self._write("epoch_finished", asdict(event))

    def run_finished(self, event: RunFinished) -> None:
        """Write the final figures."""
        figures = {name: asdict(f) for name, f in event.record.metrics["test"].items()}
        self._write("run_finished", {"name": event.record.name, "test": figures})

    def _write(self, event: str, values: dict[str, Any]) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"event": event, **values}) + "\n")
