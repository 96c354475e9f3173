"""Which task is started when, without any worker."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path

import pytest

from imbalance_derm.errors import InputError
from imbalance_derm.suite.executors.queue import Entry, Queue
from imbalance_derm.suite.task import Outcome, Task, read_outcome

DONE = Outcome("done")
FAILED = Outcome("failed")


class Hall:
    """A queue whose tasks end when the test says so."""

    def __init__(self, limit: int) -> None:
        self.queue = Queue(limit, self.start)
        self.running: dict[str, Entry] = {}
        self.started: list[str] = []
        self.futures: dict[str, Future[Outcome]] = {}

    def submit(self, key: str, *needs: str) -> None:
        task = Task(key, "train", "ce", "", {}, needs, "", "")
        self.futures[key] = self.queue.submit(task, [self.futures[need] for need in needs])

    def start(self, entry: Entry) -> None:
        self.started.append(entry.task.key)
        self.running[entry.task.key] = entry

    def end(self, key: str, outcome: Outcome = DONE) -> None:
        self.queue.ended(self.running.pop(key), outcome)

    def die(self, *keys: str) -> None:
        for entry in [self.running.pop(key) for key in keys]:
            self.queue.try_alone(entry)


def test_no_more_than_the_limit_and_the_first_submitted_first():
    hall = Hall(2)
    for key in "abcd":
        hall.submit(key)
    assert set(hall.running) == {"a", "b"}
    hall.end("b")
    assert set(hall.running) == {"a", "c"}
    hall.end("a")
    hall.end("d")
    assert hall.started == ["a", "b", "c", "d"]


@pytest.mark.parametrize("outcome", [DONE, FAILED])
def test_a_task_waits_for_all_that_it_needs_however_they_end(outcome):
    hall = Hall(3)
    hall.submit("a")
    hall.submit("b")
    hall.submit("both", "a", "b")
    hall.end("a", outcome)
    assert hall.started == ["a", "b"]
    hall.end("b", outcome)
    assert hall.started == ["a", "b", "both"]
    assert hall.futures["a"].result(0) == outcome
    hall.submit("late", "a")
    assert "late" in hall.running


def test_what_was_ready_later_but_submitted_earlier_goes_first():
    hall = Hall(1)
    hall.submit("a")
    hall.submit("after a", "a")
    hall.submit("b")
    hall.end("a")
    assert hall.started == ["a", "after a"]


def test_suspects_are_tried_one_at_a_time_while_nothing_else_runs():
    hall = Hall(3)
    for key in "abcd":
        hall.submit(key)
    hall.die("a", "b")  # c is at work in another pool, or its end is yet to be told
    assert set(hall.running) == {"c"}
    hall.end("c")
    assert set(hall.running) == {"a"}
    assert hall.running["a"].alone
    hall.end("a", FAILED)
    assert set(hall.running) == {"b"}
    hall.end("b")
    assert set(hall.running) == {"d"}
    assert not hall.running["d"].alone


def test_a_single_worker_s_task_is_known_to_be_alone():
    hall = Hall(1)
    hall.submit("a")
    assert hall.running["a"].alone


def test_a_closed_queue_starts_nothing_and_tells_what_runs():
    hall = Hall(1)
    hall.submit("a")
    hall.submit("b")
    assert [entry.task.key for entry in hall.queue.close()] == ["a"]
    hall.end("a")
    assert hall.started == ["a"]
    assert not hall.futures["a"].done()


def test_each_of_what_runs_has_a_slot_of_its_own_below_the_limit():
    hall = Hall(3)
    for key in "abcde":
        hall.submit(key)
    assert {key: entry.slot for key, entry in hall.running.items()} == {"a": 0, "b": 1, "c": 2}
    hall.end("b")
    assert hall.running["d"].slot == 1
    hall.die("c")  # it is tried again when a and d have ended
    hall.end("a")
    hall.end("d")
    assert hall.running["c"].slot == 0


class Faulty:
    """A queue whose `start` raises `error` for the tasks that are refused."""

    def __init__(self, folder: Path, error: Exception, *refused: str) -> None:
        self.folder, self.error, self.refused = str(folder), error, set(refused)
        self.queue = Queue(2, self.start)
        self.started: list[Entry] = []

    def start(self, entry: Entry) -> None:
        if entry.task.key in self.refused:
            raise self.error
        self.started.append(entry)

    def task(self, key: str, *needs: str) -> Task:
        return Task(key, "train", "ce", "", {}, needs, self.folder, self.folder)


def test_what_cannot_be_started_ends_as_failed_and_with_it_what_needs_it(tmp_path):
    faulty = Faulty(tmp_path, OSError("cannot\nfork"))
    tasks = [faulty.task(str(number)) for number in range(1500)]  # deeper than Python recurses
    futures = [faulty.queue.submit(task, []) for task in tasks]
    futures.append(faulty.queue.submit(faulty.task("last", "2"), [futures[2]]))
    faulty.refused = {"last", *(task.key for task in tasks)}
    first, second, *rest = futures
    faulty.queue.ended(faulty.started[0], DONE)
    assert (first.result(0), second.done()) == (DONE, False)
    outcomes = {future.result(0) for future in rest}
    assert outcomes == {Outcome("failed", "train", "could not be started: cannot fork")}
    assert read_outcome(tasks[7], "7") in outcomes


def test_after_what_cannot_be_started_comes_the_next(tmp_path):
    faulty = Faulty(tmp_path, RuntimeError(), "a")
    futures = [faulty.queue.submit(faulty.task(key), []) for key in "abcd"]
    assert futures[0].result(0).reason == "could not be started: RuntimeError"
    assert [entry.task.key for entry in faulty.started] == ["b", "c"]


def test_wrong_input_is_told_to_who_submits_and_leaves_nothing(tmp_path):
    faulty = Faulty(tmp_path, InputError("no such partition"), "a")
    with pytest.raises(InputError, match="no such partition"):
        faulty.queue.submit(faulty.task("a"), [])
    assert faulty.queue.close() == []
    assert list(tmp_path.iterdir()) == []


def test_a_queue_that_is_broken_off_ends_all_that_runs_waits_or_comes_later():
    hall = Hall(1)
    hall.submit("ended")
    hall.end("ended")
    hall.submit("runs")
    hall.submit("ready")
    hall.submit("waits", "runs")
    error = OSError("the disk is full")
    hall.queue.break_off(error)
    hall.submit("late")
    assert hall.futures.pop("ended").result(0) == DONE
    assert {future.exception(0) for future in hall.futures.values()} == {error}
    assert hall.started == ["ended", "runs"]
