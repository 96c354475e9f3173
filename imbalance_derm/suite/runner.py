"""Has the tasks of a plan computed."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, SimpleQueue

from imbalance_derm.suite.executors.contract import Executor
from imbalance_derm.suite.heartbeat import EVERY
from imbalance_derm.suite.task import Outcome, Resources, Task


def carry_out(
    tasks: list[Task],
    executor: Executor,
    resources: Resources,
    ended: Callable[[Task, Outcome], None],
    watch: Callable[[], None],
) -> None:
    """Have every task of a plan computed.

    Parameters
    ----------
    tasks : list of Task
        In the order in which they are to be begun.
    ended : callable
        Told of every task that has ended.
    watch : callable
        Called about once a second.
    """
    futures: dict[str, Future[Outcome]] = {}
    by_future: dict[Future[Outcome], Task] = {}
    done: SimpleQueue[Future[Outcome]] = SimpleQueue()
    watched = 0.0

    def tell(seconds: float) -> None:
        nonlocal watched
        with suppress(Empty):
            future = done.get(timeout=seconds)
            ended(by_future.pop(future), future.result())
        if time.monotonic() - watched >= EVERY:
            watch()
            watched = time.monotonic()

    for task in tasks:
        needed = [futures[key] for key in task.needs if key in futures]
        future = futures[task.key] = executor.submit(task, needed, resources)
        by_future[future] = task
        future.add_done_callback(done.put)
        tell(0.0)  # thousands of submissions to a cluster take minutes
    while by_future:
        tell(EVERY)
