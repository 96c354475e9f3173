"""Which task goes first (the longest way to the end of the suite), and how long all will take."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from types import MappingProxyType

from imbalance_derm.suite.durations import Durations
from imbalance_derm.suite.task import Task

UNKNOWN = 30.0
"""Seconds of a task of which nothing is known."""


def in_order(tasks: Mapping[str, Task], durations: Durations) -> list[Task]:
    """Return tasks after the ones that they need; of those that could be next, the longest way.

    Parameters
    ----------
    tasks : mapping of str to Task
        By key, each after the ones that it needs.
    """
    way, behind = dict[str, float](), defaultdict[str, float](float)
    for key, task in reversed(list(tasks.items())):
        expected = durations.expected(task)
        way[key] = (UNKNOWN if expected is None else expected) + behind[key]
        for need in task.needs:
            behind[need] = max(behind[need], way[key])
    place = {key: number for number, key in enumerate(tasks)}
    graph = _graph_of(tasks.values())
    ready: list[tuple[float, int, str]] = []
    ordered = []
    while graph.is_active():
        for key in graph.get_ready():
            heapq.heappush(ready, (-way[key], place[key], key))
        key = heapq.heappop(ready)[2]
        ordered.append(tasks[key])
        graph.done(key)
    return ordered


@dataclass(frozen=True)
class Estimate:
    """Seconds of work in sum and at `jobs` workers, and how many tasks are not in it."""

    work: float
    wall: float
    unknown: int


def estimate(
    tasks: Iterable[Task],
    durations: Durations,
    jobs: int,
    under_way: Mapping[str, float | None] = MappingProxyType({}),
) -> Estimate:
    """Play a plan through on `jobs` workers at the expected durations.

    Parameters
    ----------
    tasks : iterable of Task
        In the order in which they are begun. One of unknown length counts as nothing.
    under_way : mapping of str to float
        By key of a task that has begun, the seconds that are left of it; None where unknown.
    """
    by_key = {task.key: task for task in tasks}
    seconds = {key: durations.expected(task) for key, task in by_key.items()} | {
        key: left for key, left in under_way.items() if key in by_key
    }
    place = {key: number for number, key in enumerate(sorted(by_key, key=_not_in(under_way)))}
    graph = _graph_of(by_key.values())
    ready, running, now = list[tuple[int, str]](), list[tuple[float, str]](), 0.0
    while graph.is_active():
        for key in graph.get_ready():
            heapq.heappush(ready, (place[key], key))
        while ready and len(running) < jobs:
            key = heapq.heappop(ready)[1]
            heapq.heappush(running, (now + (seconds[key] or 0.0), key))
        now, key = heapq.heappop(running)
        graph.done(key)
    known = [each for each in seconds.values() if each is not None]
    return Estimate(sum(known), now, len(seconds) - len(known))


def _not_in(keys: Container[str]) -> Callable[[str], bool]:
    """Return what sorts those in `keys` first."""
    return lambda key: key not in keys


def _graph_of(tasks: Iterable[Task]) -> TopologicalSorter[str]:
    """Return who needs whom among tasks, by key, ready to be gone through."""
    needs = {task.key: task.needs for task in tasks}
    graph = TopologicalSorter({key: [n for n in own if n in needs] for key, own in needs.items()})
    graph.prepare()
    return graph
