"""Worker processes on this machine, by loky."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor, Future
from typing import Any

from loky.process_executor import ProcessPoolExecutor

from imbalance_derm.suite.executors.contract import LOST, Executor
from imbalance_derm.suite.executors.queue import Entry, Queue
from imbalance_derm.suite.executors.worker import compute, set_up
from imbalance_derm.suite.task import Outcome, Resources, Task, read_outcome
from imbalance_derm.suite.work import THREAD_VARIABLES, give_up


class LocalExecutor(Executor):
    """Keeps `jobs` worker processes, each with its threads, and hands them one task at a time.

    A process that dies takes loky's whole pool with it. The tasks that were under way are then
    tried again, one at a time; the one that dies alone is to blame, and the others go on. Of a
    task whose outcome was written before its process died, that is the outcome.

    Each of the `jobs` slots has its GPU where there are several.

    loky takes a worker that has grown by 300 MB for a leaking one and starts another; here the
    memory of a stage is the limit, as libraries and data alone are more than that.
    """

    def __init__(self, jobs: int, resources: Resources, options: dict[str, Any]) -> None:
        super().__init__(jobs, resources, options)
        self._queue = Queue(jobs, self._start)
        self._lock = threading.Lock()
        self._pool = self._new_pool()

    def submit(
        self, task: Task, dependencies: Sequence[Future[Outcome]], resources: Resources
    ) -> Future[Outcome]:
        """See :meth:`Executor.submit`; what is submitted first goes first."""
        return self._queue.submit(task, dependencies)

    def close(self) -> None:
        """See :meth:`Executor.close`."""
        running = self._queue.close()
        self._pool.shutdown(wait=True, kill_workers=bool(running))

    def _new_pool(self) -> ProcessPoolExecutor:
        threads = str(self.resources.threads)
        return ProcessPoolExecutor(
            self.jobs,
            initializer=set_up,
            initargs=(os.getpid(),),
            env={
                **dict.fromkeys(THREAD_VARIABLES, threads),
                "LOKY_MAX_MEMORY_LEAK_SIZE": str(self.resources.memory_gb * 2**30),
            },
        )

    def _start(self, entry: Entry) -> None:
        with self._lock:
            try:
                running = self._pool.submit(compute, entry.task, entry.slot)
            except BrokenExecutor:
                self._pool = self._new_pool()
                running = self._pool.submit(compute, entry.task, entry.slot)
        running.add_done_callback(lambda done: self._ended(entry, done))

    def _ended(self, entry: Entry, done: Future[Outcome]) -> None:
        if self._queue.closed:
            return  # what was under way was ended by close(); nothing is wrong with it
        error = done.exception()
        if error is None:
            self._queue.ended(entry, done.result())
        elif not isinstance(error, BrokenExecutor):
            self._queue.ended(entry, give_up(entry.task, f"the worker could not tell: {error}"))
        elif (left := read_outcome(entry.task, entry.task.key)) is not None:
            self._queue.ended(entry, left)
        elif entry.alone:
            self._queue.ended(entry, give_up(entry.task, LOST))
        else:
            self._queue.try_alone(entry)
