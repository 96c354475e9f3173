"""Tasks that wait for others, handed out so many at a time."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from imbalance_derm.suite.task import Outcome, Task


@dataclass(order=True)
class Entry:
    """A task in the queue; what was submitted first goes first.

    Attributes
    ----------
    turn : int
    task : Task
    missing : int
        Dependencies that have not ended.
    again : bool
        It was started before, and its worker died.
    alone : bool
        Nothing else runs while it does.
    future : Future of Outcome
    """

    turn: int
    task: Task = field(compare=False)
    missing: int = field(compare=False)
    again: bool = field(default=False, compare=False)
    alone: bool = field(default=False, compare=False)
    future: Future[Outcome] = field(default_factory=Future, compare=False)


class Queue:
    """Calls `start` for each task once its dependencies have ended, `limit` at a time.

    Parameters
    ----------
    limit : int
        Tasks at a time.
    start : callable
        ``start(entry)`` has the task begun and returns; whoever ends it calls :meth:`ended`, or
        :meth:`try_alone` if its worker died and others may be to blame.
    """

    def __init__(self, limit: int, start: Callable[[Entry], None]) -> None:
        self._limit = limit
        self._start = start
        self._lock = threading.RLock()
        self._ready: list[Entry] = []
        self._suspects: list[Entry] = []
        self._running: dict[int, Entry] = {}
        self._submitted = 0
        self._closed = False

    def submit(self, task: Task, dependencies: Sequence[Future[Outcome]]) -> Future[Outcome]:
        """Enter `task`; its future raises nothing."""
        with self._lock:
            entry = Entry(self._submitted, task, len(dependencies))
            self._submitted += 1
            if not dependencies:
                self._made_ready(entry)
        for dependency in dependencies:
            dependency.add_done_callback(lambda _: self._one_less(entry))
        return entry.future

    def ended(self, entry: Entry, outcome: Outcome) -> None:
        """Tell what became of a task, and start others in its place."""
        with self._lock:
            self._running.pop(entry.turn, None)
            if self._closed:
                return
        entry.future.set_result(outcome)  # those that need it are made ready by this
        with self._lock:
            self._hand_out()

    def try_alone(self, entry: Entry) -> None:
        """Start a task once more, while nothing else runs."""
        with self._lock:
            self._running.pop(entry.turn, None)
            entry.again = True
            self._suspects.append(entry)
            self._hand_out()

    @property
    def closed(self) -> bool:
        """Whether it starts nothing any more."""
        return self._closed

    def close(self) -> list[Entry]:
        """Start nothing any more; return what is running."""
        with self._lock:
            self._closed = True
            return list(self._running.values())

    def _one_less(self, entry: Entry) -> None:
        with self._lock:
            entry.missing -= 1
            if entry.missing == 0:
                self._made_ready(entry)

    def _made_ready(self, entry: Entry) -> None:
        heapq.heappush(self._ready, entry)
        self._hand_out()

    def _hand_out(self) -> None:
        while not self._closed:
            if any(entry.again for entry in self._running.values()):
                return
            if self._suspects:
                if self._running:
                    return
                entry = self._suspects.pop(0)
            elif self._ready and len(self._running) < self._limit:
                entry = heapq.heappop(self._ready)
            else:
                return
            entry.alone = entry.again or self._limit == 1
            self._running[entry.turn] = entry
            self._start(entry)
