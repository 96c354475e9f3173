"""What a worker makes of a task: every end is an outcome."""

import sys
import time
from contextlib import suppress

import pytest

from imbalance_derm.errors import InputError, RunError
from imbalance_derm.experiment.events import StageProgress, StageStarted, StageWaits
from imbalance_derm.experiment.failure import find_failures
from imbalance_derm.suite import work
from imbalance_derm.suite.heartbeat import beating, heartbeats
from imbalance_derm.suite.task import Outcome, Task, read_outcome, write_outcome
from imbalance_derm.suite.time_limit import OutOfTime, time_limit


def make(tmp_path, key="k", **fields):
    return Task(
        key, "train", "ce", "alike", {}, fields.pop("needs", ()), str(tmp_path), str(tmp_path),
        **fields,
    )  # fmt: skip


def ends_with(monkeypatch, error):
    def compute(task, listen):
        if error is not None:
            raise error

    monkeypatch.setattr(work, "_compute", compute)


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (None, "done", ""),
        (InputError("no sites here"), "refused", "no sites here"),
        (RunError("no space left"), "failed", "no space left"),
        (ValueError("two\nlines"), "failed", "ValueError: two lines"),
    ],
)
def test_every_end_is_an_outcome_and_is_written(tmp_path, monkeypatch, error, status, said):
    ends_with(monkeypatch, error)
    task = make(tmp_path, run="some-run")
    outcome = work.perform(task)
    assert (outcome.status, outcome.reason) == (status, said)
    assert read_outcome(task, task.key) == outcome
    failures = [(f.name, f.status, f.reason) for _, f in find_failures([tmp_path])]
    assert failures == ([] if status == "done" else [("some-run", status, said)])


def test_a_task_that_takes_too_long_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(work, "_compute", lambda task, listen: time.sleep(30))
    outcome = work.perform(make(tmp_path, seconds=0.1))
    assert (outcome.status, outcome.reason) == ("timed out", "took longer than 0.1 s")
    assert outcome.seconds < 20


def test_nobody_handles_the_end_of_time_by_accident():
    def stubborn():
        with time_limit(0.05):
            while True:
                with suppress(Exception):  # the point: this does not catch it
                    time.sleep(1)

    with pytest.raises(OutOfTime):
        stubborn()
    time.sleep(0.1)  # no alarm is left behind


def test_an_import_is_let_finish(tmp_path, monkeypatch):
    (tmp_path / "slow_to_import.py").write_text("import time\ntime.sleep(0.5)\nwhole = True\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    def slow():
        with time_limit(0.1):
            import slow_to_import  # noqa: F401

            time.sleep(30)

    with pytest.raises(OutOfTime):
        slow()
    assert sys.modules.pop("slow_to_import").whole


def test_waiting_for_another_process_does_not_count(tmp_path, monkeypatch):
    def compute(task, listen):
        listen(StageWaits("fit", "k"))
        time.sleep(0.6)
        listen(StageStarted("fit", "k"))
        time.sleep(0.05 if task.key == "short" else 30)

    monkeypatch.setattr(work, "_compute", compute)
    assert work.perform(make(tmp_path, "short", seconds=0.4)).status == "done"
    assert work.perform(make(tmp_path, "long", seconds=0.4)).status == "timed out"


def test_a_task_whose_worker_died_is_not_shown_as_running(tmp_path):
    task = make(tmp_path, session="s")
    with beating(task.session_folder, task.key, task.title):
        assert len(heartbeats(task.session_folder)) == 1
        work.give_up(task, "killed")
        assert heartbeats(task.session_folder) == []


@pytest.mark.parametrize("needed", [Outcome("failed", "fit", "burst"), None])
def test_what_a_task_needs_must_be_done(tmp_path, monkeypatch, needed):
    monkeypatch.setattr(work, "_compute", lambda task, listen: pytest.fail("was computed"))
    if needed is not None:
        write_outcome(make(tmp_path, "fit"), needed)
    outcome = work.perform(make(tmp_path, needs=("fit",), run="some-run"))
    assert outcome.status == "failed"
    if needed is not None:
        assert (outcome.stage, outcome.reason) == ("fit", "burst")
    assert len(find_failures([tmp_path])) == 1


def test_the_heartbeat_tells_the_stage_and_is_gone_at_the_end(tmp_path):
    with beating(tmp_path, "k", "fit cyclegan") as listen:
        listen(StageStarted("fit", "key"))
        listen(StageProgress("fit", 3, 10))
        (beat,) = heartbeats(tmp_path)
        assert (beat.title, beat.stage) == ("fit cyclegan", "fit")
    assert heartbeats(tmp_path) == []
