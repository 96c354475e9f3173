"""Worker processes of this machine: who ends them, and which GPU each task has."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import psutil
import pytest
import torch

from imbalance_derm.suite.executors import local, worker
from imbalance_derm.suite.plan import default_jobs
from imbalance_derm.suite.suite import Budget
from imbalance_derm.suite.task import Outcome, Resources, Task

DRIVER = """
import sys
import time
from pathlib import Path

from imbalance_derm.suite.executors import local
from imbalance_derm.suite.task import Resources, Task


def main(folder, tasks):
    def compute(task, slot):
        (Path(folder) / f"begun-{slot}").touch()
        time.sleep(600)

    local.compute = compute
    with local.LocalExecutor(2, Resources(), {}) as executor:
        for key in map(str, range(tasks)):
            task = Task(key, "run", key, "", {}, (), folder, folder, "session", run=key)
            future = executor.submit(task, [], Resources())
        future.result()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
"""


def make(folder: Path, key: str, *needs: str) -> Task:
    return Task(key, "train", "ce", "", {}, needs, str(folder), str(folder), "session")


@contextmanager
def driver(folder: Path, tasks: int) -> Iterator[tuple[subprocess.Popen, list[psutil.Process]]]:
    """Start a driver of two workers; yield it and its workers when they are at the tasks."""
    script = folder / "driver.py"
    script.write_text(DRIVER)
    process = subprocess.Popen(
        [sys.executable, str(script), str(folder), str(tasks)],
        stderr=subprocess.PIPE, text=True, start_new_session=True,
        # Workers and background jobs ignore the signal, and what they start inherits that.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    try:
        end = time.monotonic() + 120
        while len(list(folder.glob("begun-*"))) < tasks:
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.02)
        children = psutil.Process(process.pid).children()
        workers = [each for each in children if "LokyProcess" in " ".join(each.cmdline())]
        assert len(workers) == 2
        yield process, workers
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.mark.parametrize("whole_group", [True, False], ids=["terminal", "driver alone"])
def test_an_interrupted_driver_ends_its_workers_and_blames_no_task(tmp_path, whole_group):
    with driver(tmp_path, 2) as (process, workers):
        (os.killpg if whole_group else os.kill)(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        assert errors.splitlines()[-1] == "KeyboardInterrupt"
        assert errors.count("Traceback") == 1  # its own; the workers have none
        assert psutil.wait_procs(workers, 60)[1] == []
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"driver.py", "begun-0", "begun-1"}


def test_workers_end_after_a_driver_that_was_killed(tmp_path):
    with driver(tmp_path, 1) as (process, workers):  # one of the two is idle
        process.kill()
        process.wait(60)
        assert psutil.wait_procs(workers, 60)[1] == []


def test_ctrl_c_is_the_driver_s_and_each_task_has_a_slot_of_its_own(tmp_path, monkeypatch):
    folder = str(tmp_path)

    def compute(task: Task, slot: int) -> Outcome:
        Path(folder, str(slot)).touch()
        os.kill(os.getpid(), signal.SIGINT)
        while not all(Path(folder, name).exists() for name in "01"):
            time.sleep(0.01)
        return Outcome("done", reason=str(slot))

    monkeypatch.setattr(local, "compute", compute)
    with local.LocalExecutor(2, Resources(), {}) as executor:
        futures = [executor.submit(make(tmp_path, key), [], Resources()) for key in "ab"]
        assert {future.result(120).reason for future in futures} == {"0", "1"}


def test_a_worker_whose_gpu_is_lost_ends_and_its_outcome_stands(tmp_path, monkeypatch):
    def compute(task: Task, slot: int) -> Outcome:
        import torch

        def synchronize() -> None:
            raise RuntimeError("CUDA error: an illegal memory access was encountered")

        torch.cuda.is_initialized = lambda: True
        torch.cuda.synchronize = synchronize
        (Path(task.folder) / f"{task.key}-{os.getpid()}").touch()
        return worker.compute(task, slot)

    monkeypatch.setattr(local, "compute", compute)
    with local.LocalExecutor(1, Resources(), {}) as executor:
        # Both fail, as there is nothing of what they need.
        futures = [executor.submit(make(tmp_path, key, "missing"), [], Resources()) for key in "ab"]
        outcomes = [future.result(120) for future in futures]
    said = "a stage that it needs ended without a result"
    assert [(each.status, each.reason) for each in outcomes] == [("failed", said)] * 2
    (first,), (second,) = tmp_path.glob("a-*"), tmp_path.glob("b-*")
    assert first.name[2:] != second.name[2:]


@pytest.fixture
def gpus(monkeypatch):
    """Return what pretends that there are so many GPUs; what is done to them is noted."""
    done: list[object] = []

    def pretend(count: int) -> list[object]:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
        monkeypatch.setattr(torch.cuda, "set_device", done.append)
        monkeypatch.setattr(torch.cuda, "empty_cache", lambda: done.append("emptied"))
        monkeypatch.setattr(worker, "perform", lambda task: done.append("task") or Outcome("done"))
        return done

    return pretend


@pytest.mark.parametrize(("count", "expected"), [(0, []), (1, []), (2, [0, 1, 0]), (3, [0, 1, 2])])
def test_slots_take_turns_at_the_gpus(tmp_path, gpus, count, expected):
    done = gpus(count)
    for slot in range(3):
        assert worker.compute(make(tmp_path, "k"), slot) == Outcome("done")
    placed = [step for device in expected for step in ("emptied", device, "task")]
    assert done == (placed or ["task"] * 3)


@pytest.mark.parametrize(
    ("count", "share", "jobs"),
    [(1, 0.0, 1), (4, 0.0, 4), (2, 0.5, 4), (2, 0.4, 4), (3, 0.1, 30), (4, 2.0, 2), (1, 2.0, 1)],
)
def test_by_default_each_gpu_has_as_many_stages_as_it_has_whole_shares(gpus, count, share, jobs):
    gpus(count)
    assert default_jobs(Budget(gpus=share)) == jobs
