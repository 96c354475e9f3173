"""What a worker is at, told through a small file that the driver looks at."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from imbalance_derm.experiment.events import Event, Listener, StageProgress, StageStarted
from imbalance_derm.experiment.files import write_text

PROGRESS = "progress"
EVERY = 1.0
"""Seconds between two looks at a file, and between two versions of it."""


@dataclass(frozen=True)
class Heartbeat:
    """What a worker is at.

    Attributes
    ----------
    key, title : str
        Of the task.
    stage : str
        The stage that it is computing.
    done, total : int
        Units of that stage; 0 where it has told nothing yet.
    began : float
        Start of the stage, seconds since the epoch.
    """

    key: str
    title: str
    stage: str
    done: int
    total: int
    began: float


@contextmanager
def beating(folder: Path, key: str, title: str) -> Iterator[Listener]:
    """Yield a listener that keeps a task's heartbeat in the session's folder while it lasts."""
    file = folder / PROGRESS / f"{key}.json"
    written, now = 0.0, Heartbeat(key, title, "", 0, 0, time.time())

    def listen(event: Event) -> None:
        nonlocal written, now
        if isinstance(event, StageStarted):
            now, written = Heartbeat(key, title, event.stage, 0, 0, time.time()), 0.0
        elif isinstance(event, StageProgress):
            now = Heartbeat(key, title, event.stage, event.done, event.total, now.began)
        else:
            return
        if time.monotonic() - written > EVERY:
            written = time.monotonic()
            with suppress(OSError):  # no reason to end a training
                write_text(file, json.dumps(asdict(now)))

    with suppress(OSError):
        write_text(file, json.dumps(asdict(now)))
    try:
        yield listen
    finally:
        with suppress(OSError):
            file.unlink(missing_ok=True)


def no_longer(folder: Path, key: str) -> None:
    """Take away the heartbeat of a task whose worker died."""
    with suppress(OSError):
        (folder / PROGRESS / f"{key}.json").unlink(missing_ok=True)


def heartbeats(folder: Path) -> list[Heartbeat]:
    """Return what the workers of a session are at, the longest at work first."""
    found = []
    for file in (folder / PROGRESS).glob("[!.]*.json"):
        with suppress(OSError, ValueError):  # it ended in between
            found.append(Heartbeat(**json.loads(file.read_text(encoding="utf-8"))))
    return sorted(found, key=lambda heartbeat: heartbeat.began)
