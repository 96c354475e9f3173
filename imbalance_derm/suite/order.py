"""Which task goes first: the one with the longest way to the end of the suite behind it."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Mapping

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
    followers, missing, way = defaultdict(list), dict[str, int](), dict[str, float]()
    for task in tasks.values():
        missing[task.key] = sum(key in tasks for key in task.needs)
        for key in task.needs:
            followers[key].append(task.key)
    for key, task in reversed(list(tasks.items())):
        expected = durations.expected(task)
        own = UNKNOWN if expected is None else expected
        way[key] = own + max((way[each] for each in followers[key]), default=0.0)
    place = {key: number for number, key in enumerate(tasks)}
    ready = [(-way[key], place[key], key) for key, count in missing.items() if count == 0]
    heapq.heapify(ready)
    ordered = []
    while ready:
        key = heapq.heappop(ready)[2]
        ordered.append(tasks[key])
        for each in followers[key]:
            missing[each] -= 1
            if missing[each] == 0:
                heapq.heappush(ready, (-way[each], place[each], each))
    return ordered
