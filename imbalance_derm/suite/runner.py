"""Carries out a plan and keeps the folder of the suite."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path

from imbalance_derm.experiment.failure import write_failure
from imbalance_derm.experiment.files import write_text
from imbalance_derm.pipeline.naming import SPEC_FILE
from imbalance_derm.suite.executors.contract import Executor
from imbalance_derm.suite.grid import Cell
from imbalance_derm.suite.heartbeat import EVERY
from imbalance_derm.suite.layout import RUNS, SUITE_FILE
from imbalance_derm.suite.plan import Plan
from imbalance_derm.suite.suite import Suite
from imbalance_derm.suite.task import Outcome, Resources, Task


def describe(suite: Suite, cells: list[Cell], folder: Path) -> None:
    """Write what the suite is into its folder: by run the value of each axis."""
    described = {
        "name": suite.name,
        "summary": suite.summary,
        "metric": suite.metric,
        "axes": list(suite.axes),
        "seeds": suite.seeds,
        "runs": {cell.name: cell.axes for cell in cells},
    }
    write_text(folder / SUITE_FILE, json.dumps(described, indent=1) + "\n")


def carry_out(
    plan: Plan,
    tasks: list[Task],
    folder: Path,
    executor: Executor,
    resources: Resources,
    ended: Callable[[Task, Outcome], None],
    watch: Callable[[], None],
) -> None:
    """Have every task of a plan computed.

    Parameters
    ----------
    tasks : list of Task
        Those of the plan, in the order in which they are to be begun.
    ended : callable
        Told of every task that has ended.
    watch : callable
        Called about once a second.
    """
    for name, failure in plan.failures.items():
        write_failure(folder / RUNS / name, failure)
    for cell in plan.planned:
        write_text(folder / RUNS / cell.name / SPEC_FILE, cell.spec.to_toml())
    futures: dict[str, Future[Outcome]] = {}
    for task in tasks:
        needed = [futures[key] for key in task.needs if key in futures]
        futures[task.key] = executor.submit(task, needed, resources)
    by_future = {futures[task.key]: task for task in tasks}
    pending = set(by_future)
    while pending:
        done, pending = wait(pending, timeout=EVERY, return_when=FIRST_COMPLETED)
        for future in filter(done.__contains__, by_future):  # as they were submitted
            ended(by_future[future], future.result())
        watch()
    for task in tasks[:1]:
        shutil.rmtree(task.session_folder, ignore_errors=True)
