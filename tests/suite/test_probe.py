"""Long stages started for a dry run: bounded in time, and on as many threads as a worker has."""

import time
from dataclasses import replace

import pytest
import torch

from imbalance_derm.pipeline import steps
from imbalance_derm.suite import probe as room
from imbalance_derm.suite.durations import Durations
from imbalance_derm.suite.grid import grid
from imbalance_derm.suite.plan import plan
from imbalance_derm.suite.probe import probe, probed

from .conftest import TINY, tiny_suite

NOTHING_KNOWN = Durations(frozenset(), {})


@pytest.fixture
def trainings(tmp_path):
    """Return the trainings of a tiny suite, as tasks."""

    def made(*losses, threads=0):
        base = {**TINY, "train": {**TINY["train"], "threads": threads}}
        suite = tiny_suite(base=base, axes={"loss": list(losses)})
        planned = plan(suite, grid(suite, {}), tmp_path / "out", tmp_path / "cache", "")
        return [task for task in planned.tasks.values() if task.stage == "train"]

    return made


def test_a_long_stage_is_judged_by_its_pace(trainings, monkeypatch):
    def train(bench, synthesizer, lesions):
        def compute(folder, progress):
            for done in range(1000):
                time.sleep(0.01)
                progress(done, 1000, {})

        bench.cache.run("train", {}, compute)

    monkeypatch.setitem(steps._COMPUTE, "train", train)
    monkeypatch.setattr(room, "SECONDS", 0.3)
    (task,) = trainings("ce")
    assert 10.0 <= probe(task) < 20.0


def test_a_stage_that_tells_no_progress_is_given_up(trainings, faults, monkeypatch):
    monkeypatch.setattr(room, "LIMIT", 1.5)
    (task,) = trainings("sleeper")
    began = time.perf_counter()
    assert probe(task) is None
    assert time.perf_counter() - began < 60  # the loss sleeps for 600


def test_what_a_stage_needs_counts(trainings, monkeypatch):
    monkeypatch.setattr(steps, "load_lesions", lambda bench, masks: time.sleep(600))
    monkeypatch.setattr(room, "LIMIT", 0.2)
    (task,) = trainings("ce")
    assert probe(task) is None


def test_of_stages_that_are_alike_one_is_tried(trainings, monkeypatch):
    tried = []
    monkeypatch.setattr(room, "probe", tried.append)  # it finds out nothing
    tasks = trainings("ce", "focal")
    assert len({task.likeness for task in tasks}) == 1
    assert probed(tasks, NOTHING_KNOWN) == NOTHING_KNOWN
    assert tried == tasks[:1]


@pytest.mark.parametrize(("asked", "expected"), [(0, 3), (2, 2)])
def test_it_has_the_threads_of_a_worker_and_gives_them_back(
    trainings, monkeypatch, asked, expected
):
    seen = []

    def train(bench, synthesizer, lesions):
        seen.append(torch.get_num_threads())

    monkeypatch.setitem(steps._COMPUTE, "train", train)
    (task,) = trainings("ce", threads=asked)
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    try:
        probe(replace(task, threads=3))
        assert (seen, torch.get_num_threads()) == ([expected], 4)
    finally:
        torch.set_num_threads(before)
