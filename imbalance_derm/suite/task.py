"""One stage of a suite as it is handed to a worker, and what comes back."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from imbalance_derm.experiment.failure import Status
from imbalance_derm.experiment.files import write_text
from imbalance_derm.experiment.record import RECORD_FILE
from imbalance_derm.suite.layout import KEY_FILE, RUNS, SESSIONS, SUPERSEDED


@dataclass(frozen=True)
class Resources:
    """What a stage is given: CPU threads, a share of a GPU, memory in GiB."""

    threads: int = 1
    gpus: float = 0.0
    memory_gb: float = 8.0


@dataclass(frozen=True)
class Task:
    """One stage, with all that a worker on another machine has to know.

    Attributes
    ----------
    key, stage, part, likeness : str
        As in :class:`imbalance_derm.pipeline.steps.Step`.
    spec : dict
        Of a run that needs the stage.
    needs : tuple of str
        Keys of the tasks whose results it needs.
    folder, cache : str
        Of the suite, and of the stage cache; shared by all workers.
    session : str
        Tells the command that carries out the suite from others that do.
    run : str
        Name of the run's folder, for the last stage of a run; else "".
    seconds : float or None
        Longest time that it may take.
    threads : int
    command : str
        What the user typed, for the record.
    """

    key: str
    stage: str
    part: str
    likeness: str
    spec: dict[str, Any]
    needs: tuple[str, ...]
    folder: str
    cache: str
    session: str = ""
    run: str = ""
    seconds: float | None = None
    threads: int = 1
    command: str = ""

    @property
    def title(self) -> str:
        """What a reader sees of it."""
        return self.run or f"{self.stage} {self.part}"

    @property
    def session_folder(self) -> Path:
        """Where workers of the same session leave word for each other."""
        return Path(self.folder) / SESSIONS / self.session

    @property
    def run_folder(self) -> Path:
        """Where the record of a run goes."""
        return Path(self.folder) / RUNS / self.run

    @property
    def finished(self) -> bool:
        """Whether the record of a run is there, and is of today's code and data."""
        key = self.run_folder / KEY_FILE
        recorded = (self.run_folder / RECORD_FILE).is_file() and key.is_file()
        return recorded and key.read_text(encoding="utf-8") == self.key


def set_aside(folder: Path) -> None:
    """Keep the record of an earlier run in this folder from standing for what is to be made.

    Code, data or settings are others than those it was made with.
    """
    (folder / KEY_FILE).unlink(missing_ok=True)
    if (folder / RECORD_FILE).is_file():
        (folder / RECORD_FILE).replace(folder / SUPERSEDED)


@dataclass(frozen=True)
class Outcome:
    """How a task ended.

    Attributes
    ----------
    status : {"done", "refused", "failed", "timed out"}
    stage, reason : str
        Where and why it ended badly.
    seconds : float
        Time of the task.
    computed : tuple of (str, str)
        Name and key of every stage that it computed and did not find.
    """

    status: Literal["done"] | Status
    stage: str = ""
    reason: str = ""
    seconds: float = 0.0
    computed: tuple[tuple[str, str], ...] = ()


def write_outcome(task: Task, outcome: Outcome) -> None:
    """Leave `outcome` for the tasks that need it, on whatever machine they run."""
    write_text(_file(task, task.key), json.dumps(asdict(outcome)))


def read_outcome(task: Task, key: str) -> Outcome | None:
    """Return the outcome of the task `key` of the same session; None where there is none."""
    try:
        raw = json.loads(_file(task, key).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return Outcome(**{**raw, "computed": tuple(map(tuple, raw["computed"]))})


def _file(task: Task, key: str) -> Path:
    return task.session_folder / "outcomes" / f"{key}.json"
