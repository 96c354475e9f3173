"""How long stages took, and what is therefore to be expected."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from imbalance_derm.experiment.files import write_text
from imbalance_derm.suite.task import Outcome, Task

STEPS = "steps"


@dataclass(frozen=True)
class Durations:
    """What finished tasks took.

    Attributes
    ----------
    finished : set of str
        Keys of tasks whose results are in the cache.
    alike : dict of str to float
        Median seconds of tasks that are alike.
    """

    finished: frozenset[str]
    alike: dict[str, float]

    def expected(self, task: Task) -> float | None:
        """Return the seconds that a task will take, None where nothing like it is known."""
        return self.alike.get(task.likeness)

    def expecting(self, seconds: dict[str, float]) -> Durations:
        """Return these with other expectations, by likeness."""
        return replace(self, alike=self.alike | seconds)


def remember(task: Task, outcome: Outcome) -> None:
    """Keep the time of a task that had something to compute, in the cache beside its result.

    Raises
    ------
    OSError
        It cannot be written.
    """
    if not outcome.computed and not task.run:
        return
    kept = {
        "title": task.title,
        "run": bool(task.run),
        "likeness": task.likeness,
        "seconds": outcome.seconds,
        "computed": outcome.computed,
    }
    write_text(Path(task.cache) / STEPS / f"{task.key}.json", json.dumps(kept))


def known_durations(cache: Path) -> Durations:
    """Return what the tasks took whose results went into `cache`."""
    alike: dict[str, list[float]] = defaultdict(list)
    finished = set()
    # Hidden files are being written, or were when their writer was killed.
    for file in (cache / STEPS).glob("[!.]*.json"):
        try:
            kept = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        # The result of a run is not in the cache but in a suite's folder.
        if not kept["run"] and all(
            (cache / stage / key).is_dir() for stage, key in kept["computed"]
        ):
            finished.add(file.stem)
        alike[kept["likeness"]].append(kept["seconds"])
    medians = {likeness: median(seconds) for likeness, seconds in alike.items()}
    return Durations(frozenset(finished), medians)
