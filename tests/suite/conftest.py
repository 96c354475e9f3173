"""A tiny suite with parts that fail on purpose, and what is needed to have it computed."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from imbalance_derm.experiment.record import RECORD_FILE, Record
from imbalance_derm.registry.manager import installed
from imbalance_derm.suite.durations import known_durations
from imbalance_derm.suite.executors.contract import Executor
from imbalance_derm.suite.folder import lay_out
from imbalance_derm.suite.grid import Cell, grid
from imbalance_derm.suite.layout import RUNS
from imbalance_derm.suite.order import in_order
from imbalance_derm.suite.plan import plan
from imbalance_derm.suite.runner import carry_out
from imbalance_derm.suite.suite import Suite
from imbalance_derm.suite.task import Outcome, Resources, Task

FAULTS = '''
"""Losses that end their process, or take too long."""

import os
import signal
import time

from imbalance_derm import Component, hookimpl
from imbalance_derm.losses.cross_entropy import CrossEntropy


class Killer(CrossEntropy):
    def forward(self, logits, labels, context):
        os.kill(os.getpid(), signal.SIGKILL)


class Sleeper(CrossEntropy):
    def forward(self, logits, labels, context):
        time.sleep(600)


@hookimpl
def imbderm_components():
    return [
        Component("loss", "killer", "Kills its process.", "imbderm_faults:Killer"),
        Component("loss", "sleeper", "Sleeps.", "imbderm_faults:Sleeper"),
    ]
'''
METADATA = "Metadata-Version: 2.1\nName: imbderm-faults\nVersion: 1.0\n"
ENTRY_POINTS = "[imbderm]\nfaults = imbderm_faults\n"

TINY = {
    "data": {"name": "phantom", "images": 96, "ratio": 3, "image_size": 32},
    "backbone": {"frozen": True},
    "train": {"updates": 2, "batch_size": 8, "validations": 1, "threads": 1},
    "evaluation": {"resamples": 100},
}


def tiny_suite(**changes: Any) -> Suite:
    """Return a suite of one data set, one embedding and a run for each loss."""
    return Suite(**{"name": "tiny", "preset": "smoke", "base": TINY, **changes})


@dataclass
class Carried:
    """What became of a suite."""

    folder: Path
    cells: list[Cell]
    tasks: list[Task]
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    def record(self, **axes: str) -> Record:
        """The record of the run with these values of the axes."""
        return Record.from_json((self.run(**axes) / RECORD_FILE).read_text())

    def run(self, **axes: str) -> Path:
        """The folder of the run with these values of the axes."""
        (cell,) = [cell for cell in self.cells if axes.items() <= cell.axes.items()]
        return self.folder / RUNS / cell.name

    @property
    def computed(self) -> list[tuple[str, str]]:
        """Every stage that was computed, as often as it was."""
        return [each for outcome in self.outcomes.values() for each in outcome.computed]


def carry(
    suite: Suite,
    folder: Path,
    cache: Path,
    executor: Executor,
    limits: dict[str, float] | None = None,
    watch=lambda: None,
) -> Carried:
    """Have `suite` computed; `limits` are seconds of the trainings with a loss."""
    cells = grid(suite, {})
    planned = plan(suite, cells, folder, cache, "imbderm bench tiny.toml")
    tasks = []
    for task in in_order(planned.tasks, known_durations(cache)):
        limited = task.stage == "train" and (limits or {}).get(task.spec["loss"]["name"])
        tasks.append(replace(task, seconds=limited or task.seconds))
    carried = Carried(folder, cells, tasks)

    def ended(task: Task, outcome: Outcome) -> None:
        assert task.key not in carried.outcomes
        assert set(task.needs) <= set(carried.outcomes) or outcome.status != "done"
        carried.outcomes[task.key] = outcome

    with executor:
        lay_out(planned, folder)
        carry_out(tasks, executor, Resources(), ended, watch)
    return carried


@pytest.fixture(scope="module")
def faults(tmp_path_factory) -> Iterator[Path]:
    """A plugin with faulty losses, on the path of this process and of those that it starts."""
    folder = tmp_path_factory.mktemp("faults")
    (folder / "imbderm_faults.py").write_text(FAULTS)
    announced = folder / "imbderm_faults-1.0.dist-info"
    announced.mkdir()
    (announced / "METADATA").write_text(METADATA)
    (announced / "entry_points.txt").write_text(ENTRY_POINTS)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        paths = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
        patch.setenv("PYTHONPATH", os.pathsep.join(paths))
        importlib.invalidate_caches()
        installed.cache_clear()
        yield folder
    sys.modules.pop("imbderm_faults", None)
    installed.cache_clear()
