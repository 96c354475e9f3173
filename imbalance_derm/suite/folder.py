"""The folder of a suite: whose it is, what it says of itself, what an earlier one left."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from imbalance_derm.errors import InputError
from imbalance_derm.experiment.failure import write_failure
from imbalance_derm.experiment.files import write_text
from imbalance_derm.pipeline.naming import SPEC_FILE
from imbalance_derm.suite.grid import Cell
from imbalance_derm.suite.layout import RUNS, SUITE_FILE
from imbalance_derm.suite.plan import Plan
from imbalance_derm.suite.suite import Suite
from imbalance_derm.suite.task import Task, set_aside


def claim(folder: Path, suite: Suite) -> None:
    """Create the folder of a suite, or see that it is this suite's.

    Raises
    ------
    InputError
        Another suite's results are there, or it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        name = json.loads((folder / SUITE_FILE).read_text(encoding="utf-8"))["name"]
    except FileNotFoundError:
        return
    except OSError as error:
        reason = (error.strerror or "not writable").lower()
        raise InputError(f"cannot write suites to {folder}: {reason}; give --out DIR") from error
    except (ValueError, KeyError, TypeError):
        return  # not what a suite writes: it is written anew
    if name != suite.name:
        raise InputError(f"{folder} holds suite {name}, this is {suite.name}; give another --out")


def describe(suite: Suite, cells: list[Cell], folder: Path) -> None:
    """Write what the suite is into its folder: by run the value of each axis."""
    described = {
        "name": suite.name,
        "summary": suite.summary,
        "remarks": suite.remarks,
        "metric": suite.metric,
        "axes": list(suite.axes),
        "seeds": suite.seeds,
        "runs": {cell.name: cell.axes for cell in cells},
    }
    write_text(folder / SUITE_FILE, json.dumps(described, indent=1) + "\n")


def lay_out(plan: Plan, folder: Path) -> None:
    """Prepare the folder of every run that is to be made, or is left out.

    What lies there from other code, data or settings counts for nothing from now on.
    """
    for name, failure in plan.failures.items():
        set_aside(folder / RUNS / name)
        write_failure(folder / RUNS / name, failure)
    for task in plan.tasks.values():
        if task.run:
            _renew(task)
    for cell in plan.planned:
        write_text(folder / RUNS / cell.name / SPEC_FILE, cell.spec.to_toml())


def _renew(task: Task) -> None:
    task.run_folder.mkdir(parents=True, exist_ok=True)
    with suppress(Timeout), FileLock(task.run_folder.with_suffix(".lock"), blocking=False):
        if not task.finished:
            set_aside(task.run_folder)
