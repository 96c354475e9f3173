"""Which task is started when, without any worker."""

from __future__ import annotations

from concurrent.futures import Future

import pytest

from imbalance_derm.suite.executors.queue import Entry, Queue
from imbalance_derm.suite.task import Outcome, Task

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
