"""What is asked of Ray, without a cluster."""

from __future__ import annotations

from concurrent.futures import Future
from types import SimpleNamespace

import pytest

from imbalance_derm.suite.executors import ray as ray_executor
from imbalance_derm.suite.executors.ray import RayExecutor
from imbalance_derm.suite.task import Resources, Task


@pytest.fixture
def ray(monkeypatch):
    """A Ray that notes what it is asked for, and ends no task."""
    noted = SimpleNamespace(settings={}, cancelled=[])

    def remote(task):
        return SimpleNamespace(key=task.key, future=Future)

    fake = SimpleNamespace(
        init=lambda **settings: noted.settings.update(settings),
        remote=lambda function: SimpleNamespace(
            options=lambda **options: SimpleNamespace(remote=remote)
        ),
        cancel=lambda reference, force: noted.cancelled.append(reference.key),
        shutdown=lambda: None,
    )
    monkeypatch.setattr(ray_executor, "_import_ray", lambda: fake)
    return noted


@pytest.mark.parametrize(
    ("jobs", "share", "gpus"), [(2, 0.0, None), (1, 1.0, 1), (3, 1.0, 3), (2, 0.5, 1), (3, 0.5, 2)]
)
def test_a_cluster_of_its_own_has_no_more_gpus_than_the_tasks_ask_for(ray, jobs, share, gpus):
    RayExecutor(jobs, Resources(gpus=share), {}).close()
    assert ray.settings["num_gpus"] == gpus


def test_a_task_that_ends_while_the_executor_is_closed_hinders_nothing(ray, tmp_path):
    executor = RayExecutor(2, Resources(), {})
    for key in "ab":
        task = Task(key, "train", "ce", "", {}, (), str(tmp_path), str(tmp_path))
        executor.submit(task, [], Resources())
    executor._references.pop("a")  # as at the beginning of _ended
    executor.close()
    assert ray.cancelled == ["b"]
