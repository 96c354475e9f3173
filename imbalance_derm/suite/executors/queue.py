"""Tasks that wait for others, handed out so many at a time."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import count

from imbalance_derm.errors import InputError
from imbalance_derm.suite.task import Outcome, Task
from imbalance_derm.suite.work import give_up


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
    slot : int
        While it runs, a number below the limit that nothing else has which runs.
    future : Future of Outcome
    """

    turn: int
    task: Task = field(compare=False)
    missing: int = field(compare=False)
    again: bool = field(default=False, compare=False)
    alone: bool = field(default=False, compare=False)
    slot: int = field(default=0, compare=False)
    future: Future[Outcome] = field(default_factory=Future, compare=False)


class Queue:
    """Calls `start` for each task once its dependencies have ended, `limit` at a time.

    Parameters
    ----------
    limit : int
        Tasks at a time.
    start : callable
        ``start(entry)`` has the task begun and returns; whoever ends it calls :meth:`ended`, or
        :meth:`try_alone` if its worker died and others may be to blame. A task for which it
        raises ends as failed, and the next is started.
    """

    def __init__(self, limit: int, start: Callable[[Entry], None]) -> None:
        self._limit = limit
        self._start = start
        self._lock = threading.RLock()
        self._ready: list[Entry] = []
        self._suspects: list[Entry] = []
        self._running: dict[int, Entry] = {}
        self._left: dict[int, Entry] = {}
        self._submitted = 0
        self._closed = False
        self._error: Exception | None = None

    def submit(self, task: Task, dependencies: Sequence[Future[Outcome]]) -> Future[Outcome]:
        """Enter `task`; its future raises nothing unless the queue is broken off.

        Raises
        ------
        InputError
            Of `start`, for a task that has nothing to wait for.
        """
        with self._lock:
            entry = self._left[self._submitted] = Entry(self._submitted, task, len(dependencies))
            self._submitted += 1
            if self._error is not None:
                entry.future.set_exception(self._error)
            elif not dependencies:
                heapq.heappush(self._ready, entry)
                self._hand_out(submitting=True)
        for dependency in dependencies:
            dependency.add_done_callback(lambda _: self._one_less(entry))
        return entry.future

    def ended(self, entry: Entry, outcome: Outcome) -> None:
        """Tell what became of a task, and start others in its place."""
        with self._lock:
            self._running.pop(entry.turn, None)
            if self._closed:
                return
            del self._left[entry.turn]
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

    def break_off(self, error: Exception) -> None:
        """Start nothing any more; the futures of all that has not ended raise `error`."""
        with self._lock:
            self._closed, self._error = True, error
            left = list(self._left.values())
        for entry in left:
            entry.future.set_exception(error)

    def _one_less(self, entry: Entry) -> None:
        with self._lock:
            entry.missing -= 1
            if entry.missing == 0:
                heapq.heappush(self._ready, entry)
                self._hand_out()

    def _hand_out(self, submitting: bool = False) -> None:
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
            taken = {running.slot for running in self._running.values()}
            entry.slot = next(slot for slot in count() if slot not in taken)
            self._running[entry.turn] = entry
            try:
                self._start(entry)
            except Exception as error:
                # Most often this is in the callback of a future, where nobody would hear of it.
                del self._running[entry.turn], self._left[entry.turn]
                if submitting and isinstance(error, InputError):
                    raise
                said = " ".join(str(error).split()) or type(error).__name__
                entry.future.set_result(give_up(entry.task, f"could not be started: {said}"))
