"""From the grid to the graph of stages: what several runs share is computed once."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from imbalance_derm.errors import InputError
from imbalance_derm.experiment.failure import Failure
from imbalance_derm.pipeline.steps import RUN, steps_of
from imbalance_derm.suite.grid import Cell
from imbalance_derm.suite.suite import Budget, Suite
from imbalance_derm.suite.task import Task


@dataclass(frozen=True)
class Plan:
    """What there is to do.

    Attributes
    ----------
    tasks : dict of str to Task
        By key, each after the ones that it needs.
    finished : list of Cell
        Runs whose records are there, and are of today's code and data; their stages are not
        among the tasks.
    planned : list of Cell
        Runs that the tasks lead to.
    failures : dict of str to Failure
        By name the runs that are left out: excluded, or of parts that cannot work together.
    """

    tasks: dict[str, Task]
    finished: list[Cell]
    planned: list[Cell]
    failures: dict[str, Failure]


def default_jobs(budget: Budget) -> int:
    """Return how many stages this machine bears at a time; a stage has a whole GPU by default."""
    import torch

    if torch.cuda.is_available():
        devices, share = torch.cuda.device_count(), budget.gpus or 1.0
        # A stage is on one GPU: shares that are left over on two of them bear no third stage.
        return devices * int(1 / share) if share <= 1 else max(1, int(devices / share))
    return max(1, (os.cpu_count() or 1) // budget.threads)


def plan(
    suite: Suite,
    cells: list[Cell],
    folder: Path,
    cache: Path,
    command: str,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Plan:
    """Turn the grid into a graph of stages.

    Raises
    ------
    InputError
        Every run is refused; the first reason is given.
    """
    tasks: dict[str, Task] = {}
    session = uuid4().hex[:12]
    made = Plan(tasks, [], [], {})
    for number, cell in enumerate(cells):
        progress(number, len(cells))
        reason, tree = cell.excluded, cell.spec.model_dump(mode="json")
        try:
            steps = [] if reason else steps_of(cell.spec, cell.name)
        except InputError as error:
            steps, reason = [], str(error)
        if reason:
            made.failures[cell.name] = Failure(cell.name, tree, "refused", "", reason)
            continue
        own = [
            Task(
                key=step.key,
                stage=step.stage,
                part=step.part,
                likeness=step.likeness,
                spec=tree,
                needs=step.after,
                folder=str(folder.absolute()),
                cache=str(cache.absolute()),
                session=session,
                run=cell.name if step.stage == RUN else "",
                seconds=suite.budget.seconds,
                threads=suite.budget.threads,
                command=command if step.stage == RUN else "",
            )
            for step in steps
        ]
        if own[-1].finished:
            made.finished.append(cell)
            continue
        made.planned.append(cell)
        for task in own:
            tasks.setdefault(task.key, task)
    if cells and len(made.failures) == len(cells):
        first = next(iter(made.failures.values()))
        raise InputError(f"no run of suite {suite.name} can be made: {first.reason}")
    return made
