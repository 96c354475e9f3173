"""Two commands on one suite at the same time."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import Future
from pathlib import Path

import pytest

from imbalance_derm.experiment.record import RECORD_FILE
from imbalance_derm.suite.executors.contract import Executor
from imbalance_derm.suite.layout import RUNS
from imbalance_derm.suite.task import Resources
from imbalance_derm.suite.work import perform

from .conftest import carry, tiny_suite

DRIVER = """
import json, sys
from dataclasses import asdict
from pathlib import Path
from imbalance_derm.suite.durations import known_durations
from imbalance_derm.suite.executors import find_executor
from imbalance_derm.suite.grid import grid
from imbalance_derm.suite.order import in_order
from imbalance_derm.suite.plan import plan
from imbalance_derm.suite.folder import lay_out
from imbalance_derm.suite.runner import carry_out
from imbalance_derm.suite.suite import Suite
from imbalance_derm.suite.layout import RUNS
from imbalance_derm.suite.task import Resources

if __name__ == "__main__":
    folder, suite = Path(sys.argv[1]), Suite(**json.loads(sys.argv[2]))
    cells, ended = grid(suite, {}), []
    planned = plan(suite, cells, folder / "suite", folder / "cache", "")
    tasks = in_order(planned.tasks, known_durations(folder / "cache"))
    lay_out(planned, folder / "suite")
    with find_executor("local")(1, Resources(), {}) as executor:
        note = lambda task, outcome: ended.append(asdict(outcome))
        carry_out(tasks, executor, Resources(), note, lambda: None)
    print(json.dumps(ended))
"""


@pytest.mark.slow
@pytest.mark.parametrize("apart", [False, True], ids=["together", "one after the other has begun"])
def test_no_stage_is_computed_twice(tmp_path, faults, apart):
    suite = tiny_suite(axes={"loss": ["ce", "focal"]}).model_dump_json()
    (tmp_path / "driver.py").write_text(DRIVER)
    command = [sys.executable, str(tmp_path / "driver.py"), str(tmp_path), suite]
    drivers = []
    for _ in range(2):
        drivers.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        if apart:
            wait_for(tmp_path / "cache" / "embed")
    said = [driver.communicate(timeout=500)[0] for driver in drivers]
    assert [driver.returncode for driver in drivers] == [0, 0]
    outcomes = [outcome for each in said for outcome in json.loads(each.splitlines()[-1])]
    assert {outcome["status"] for outcome in outcomes} == {"done"}
    computed = Counter(tuple(each) for outcome in outcomes for each in outcome["computed"])
    assert {stage for stage, _ in computed} >= {"decode", "embed", "train"}
    assert set(computed.values()) == {1}
    assert len(list((tmp_path / "suite" / RUNS).glob(f"*/{RECORD_FILE}"))) == 2


class Killed(Exception):
    """Stands for the end of a driver."""


class Begun(Executor):
    """A driver that is killed as soon as it has begun."""

    def submit(self, task, dependencies, resources):
        raise Killed

    def close(self):
        pass


class Here(Executor):
    """Computes at once; before the first training another command begins on the suite."""

    def submit(self, task, dependencies, resources):
        if task.stage == "train":
            with pytest.raises(Killed):
                carry(**self.options, executor=Begun(1, Resources(), {}))
        future = Future()
        future.set_result(perform(task))
        return future

    def close(self):
        pass


def test_a_command_that_begins_hinders_no_other(tmp_path, faults):
    of = {"suite": tiny_suite(), "folder": tmp_path / "suite", "cache": tmp_path / "cache"}
    carried = carry(**of, executor=Here(1, Resources(), of))
    assert {outcome.status for outcome in carried.outcomes.values()} == {"done"}


def wait_for(path: Path) -> None:
    end = time.monotonic() + 300
    while not path.exists():
        assert time.monotonic() < end
        time.sleep(0.05)
