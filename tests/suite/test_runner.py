"""Every task of a plan is told of as it ends."""

from __future__ import annotations

from concurrent.futures import Future

from imbalance_derm.suite.executors.contract import Executor
from imbalance_derm.suite.runner import carry_out
from imbalance_derm.suite.task import Outcome, Resources, Task


class Backwards(Executor):
    """Ends tasks in the opposite order as soon as it has all of them."""

    def __init__(self, count: int) -> None:
        super().__init__(1, Resources(), {})
        self.count, self.futures = count, []

    def submit(self, task, dependencies, resources):
        self.futures.append(Future())
        if len(self.futures) == self.count:
            for number, future in reversed(list(enumerate(self.futures))):
                future.set_result(Outcome("done", seconds=number))
        return self.futures[-1]

    def close(self) -> None:
        pass


def test_every_end_is_told_once_as_it_comes():
    tasks = [Task(str(n), "train", "", "", {}, (), "out", "cache") for n in range(5)]
    told, looks = [], []
    carry_out(
        tasks, Backwards(5), Resources(),
        lambda task, outcome: told.append((task.key, outcome.seconds)), lambda: looks.append(1),
    )  # fmt: skip
    assert sorted(told) == [(str(n), n) for n in range(5)]
    assert told[:4] == [(str(n), n) for n in (3, 2, 1, 0)]
    assert looks
