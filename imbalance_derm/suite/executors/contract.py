"""What an executor is: it computes tasks once the tasks that they need have ended."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

from imbalance_derm.suite.task import Outcome, Resources, Task

LOST = "the worker died: killed, or out of memory"


class Executor(ABC):
    """Computes tasks by :func:`imbalance_derm.suite.work.perform`; used as a context.

    Parameters
    ----------
    jobs : int
        Tasks at a time.
    resources : Resources
        What a task will be given at the most.
    options : dict
        Settings of the engine.
    """

    def __init__(self, jobs: int, resources: Resources, options: dict[str, Any]) -> None:
        self.jobs = jobs
        self.resources = resources
        self.options = options

    def __enter__(self) -> Executor:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @abstractmethod
    def submit(
        self, task: Task, dependencies: Sequence[Future[Outcome]], resources: Resources
    ) -> Future[Outcome]:
        """Compute `task` once `dependencies` have ended, however they ended.

        Returns
        -------
        Future of Outcome
            It raises nothing: a worker that died is an outcome, too, and is written as such
            (:func:`imbalance_derm.suite.work.give_up`) before the future is done.
        """

    @abstractmethod
    def close(self) -> None:
        """End the workers; what they were computing goes on from its checkpoint another time."""
