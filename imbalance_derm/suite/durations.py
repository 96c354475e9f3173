"""How long stages took on this machine, and what is therefore to be expected."""

from __future__ import annotations

import heapq
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
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


def remember(task: Task, outcome: Outcome) -> None:
    """Keep the time of a task that had something to compute, in the cache beside its result."""
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
    for file in (cache / STEPS).glob("*.json"):
        kept = json.loads(file.read_text(encoding="utf-8"))
        # The result of a run is not in the cache but in a suite's folder.
        if not kept["run"] and all(
            (cache / stage / key).is_dir() for stage, key in kept["computed"]
        ):
            finished.add(file.stem)
        alike[kept["likeness"]].append(kept["seconds"])
    medians = {likeness: median(seconds) for likeness, seconds in alike.items()}
    return Durations(frozenset(finished), medians)


@dataclass(frozen=True)
class Estimate:
    """Seconds of work in sum and at `jobs` workers, and how many tasks are not in it."""

    work: float
    wall: float
    unknown: int


def estimate(tasks: Iterable[Task], durations: Durations, jobs: int) -> Estimate:
    """Play a plan through on `jobs` workers at the expected durations.

    Parameters
    ----------
    tasks : iterable of Task
        In the order in which they are begun. One of unknown length counts as nothing.
    """
    waiting = list(tasks)
    keys = {task.key for task in waiting}
    seconds = {task.key: durations.expected(task) for task in waiting}
    running, ended, now = list[tuple[float, str]](), set[str](), 0.0
    while waiting or running:
        ready = [task for task in waiting if not (keys & set(task.needs)) - ended]
        for task in ready[: jobs - len(running)]:
            waiting.remove(task)
            heapq.heappush(running, (now + (seconds[task.key] or 0.0), task.key))
        now, key = heapq.heappop(running)
        ended.add(key)
    known = [each for each in seconds.values() if each is not None]
    return Estimate(sum(known), now, len(seconds) - len(known))
