"""Tasks of a Ray cluster: one that is running, or one that is started on this machine."""

from __future__ import annotations

import logging
import math
import os
import socket
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

from imbalance_derm.errors import InputError
from imbalance_derm.suite.executors.contract import LOST, Executor
from imbalance_derm.suite.executors.queue import Entry, Queue
from imbalance_derm.suite.task import Outcome, Resources, Task
from imbalance_derm.suite.work import THREAD_VARIABLES, give_up, perform


class RayExecutor(Executor):
    """Hands Ray `jobs` tasks at a time; where they run is Ray's to choose.

    A task asks for as many CPUs as it has threads, and for its share of a GPU. It is handed over
    when the tasks that it needs have ended: a dependency by Ray's own references would raise in
    every task behind one whose worker died, and those have a hindrance to report.

    Parameters
    ----------
    jobs, resources
        See :class:`Executor`.
    options : dict
        ``address`` of a running cluster, such as ``"10.0.0.1:6379"``. Without it a cluster is
        started on this machine, just large enough, and ended with the executor.

    Raises
    ------
    InputError
        Ray is not installed, or there is no cluster at the address.
    """

    def __init__(self, jobs: int, resources: Resources, options: dict[str, Any]) -> None:
        super().__init__(jobs, resources, options)
        ray = self._ray = _import_ray()
        address = options.get("address")
        threads = str(resources.threads)
        settings: dict[str, Any] = {
            "logging_level": logging.ERROR,
            "log_to_driver": False,
            "runtime_env": {"env_vars": dict.fromkeys(THREAD_VARIABLES, threads)},
        }
        if address is None:
            settings |= {
                "num_cpus": jobs * resources.threads,
                "num_gpus": math.ceil(jobs * resources.gpus) or None,
                "include_dashboard": False,
            }
        try:
            _knock(address or "")
            ray.init(address=address or "local", **settings)
        except (OSError, RuntimeError, ValueError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise InputError(f"no Ray cluster at {address or 'this machine'}: {reason}") from error
        self._perform = ray.remote(perform).options(
            num_cpus=resources.threads, num_gpus=resources.gpus, max_retries=0
        )
        self._queue = Queue(jobs, self._start)
        self._references: dict[str, Any] = {}

    def submit(
        self, task: Task, dependencies: Sequence[Future[Outcome]], resources: Resources
    ) -> Future[Outcome]:
        """See :meth:`Executor.submit`; what is submitted first goes first."""
        return self._queue.submit(task, dependencies)

    def close(self) -> None:
        """See :meth:`Executor.close`; a cluster that was running before goes on running."""
        for entry in self._queue.close():
            reference = self._references.get(entry.task.key)
            if reference is not None:  # it may have ended just now
                self._ray.cancel(reference, force=True)
        self._ray.shutdown()

    def _start(self, entry: Entry) -> None:
        reference = self._references[entry.task.key] = self._perform.remote(entry.task)
        reference.future().add_done_callback(lambda done: self._ended(entry, done))

    def _ended(self, entry: Entry, done: Future[Outcome]) -> None:
        self._references.pop(entry.task.key, None)
        error = done.exception()
        if self._queue.closed:
            return
        outcome = done.result() if error is None else give_up(entry.task, self._reason(error))
        self._queue.ended(entry, outcome)

    def _reason(self, error: BaseException) -> str:
        """Return one line; that the package is missing on a node is an error of the task, say."""
        if isinstance(error, self._ray.exceptions.RayTaskError):
            return f"the Ray worker could not begin: {str(error).strip().splitlines()[-1]}"
        return LOST


def _knock(address: str) -> None:
    """Raise OSError where nobody listens; Ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=10).close()


def _import_ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise InputError(
            "--executor ray needs Ray; install it: pip install 'imbalance-derm[ray]'"
        ) from error
    # log_to_driver leaves raylet's notices on stdout, such as of a worker that died; we tell it.
    ray._private.worker._worker_logs_enabled = False
    return ray
