"""Worker processes on this machine, by loky."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor, Future
from typing import Any

from loky.process_executor import ProcessPoolExecutor

from imbalance_derm.suite.executors.contract import LOST, Executor
from imbalance_derm.suite.executors.queue import Entry, Queue
from imbalance_derm.suite.task import Outcome, Resources, Task
from imbalance_derm.suite.work import give_up, perform


class LocalExecutor(Executor):
    """Keeps `jobs` worker processes, each with its threads, and hands them one task at a time.

    A process that dies takes loky's whole pool with it. The tasks that were under way are then
    tried again, one at a time; the one that dies alone is to blame, and the others go on.

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
            env={
                "OMP_NUM_THREADS": threads,
                "MKL_NUM_THREADS": threads,
                "LOKY_MAX_MEMORY_LEAK_SIZE": str(self.resources.memory_gb * 2**30),
            },
        )

    def _start(self, entry: Entry) -> None:
        with self._lock:
            try:
                running = self._pool.submit(perform, entry.task)
            except BrokenExecutor:
                self._pool = self._new_pool()
                running = self._pool.submit(perform, entry.task)
        running.add_done_callback(lambda done: self._ended(entry, done))

    def _ended(self, entry: Entry, done: Future[Outcome]) -> None:
        error = done.exception()
        if error is None:
            self._queue.ended(entry, done.result())
        elif isinstance(error, KeyboardInterrupt):
            return  # it reached the driver, too: all of this is about to be closed
        elif not isinstance(error, BrokenExecutor):
            self._queue.ended(entry, give_up(entry.task, f"the worker could not tell: {error}"))
        elif entry.alone:
            self._queue.ended(entry, give_up(entry.task, LOST))
        else:
            self._queue.try_alone(entry)
