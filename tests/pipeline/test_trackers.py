"""Trackers hear typed events in order; one that raises is left out and fails nothing."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from imbalance_derm.errors import InputError
from imbalance_derm.experiment.events import (
    EpochFinished,
    RunFinished,
    RunStarted,
    StageFinished,
    StageProgress,
    StageStarted,
)
from imbalance_derm.pipeline.trackers import trackers_as_listener
from imbalance_derm.testing.trackers import events
from imbalance_derm.tracking.contract import Tracker

HOOKS = {
    "run_started": RunStarted,
    "stage_finished": StageFinished,
    "epoch_finished": EpochFinished,
    "run_finished": RunFinished,
}


class Listens(Tracker):
    def __init__(self, folder):
        super().__init__(folder)
        self.heard = []

    def run_started(self, event):
        self.heard.append(("run_started", event))

    def stage_finished(self, event):
        self.heard.append(("stage_finished", event))

    def epoch_finished(self, event):
        self.heard.append(("epoch_finished", event))

    def run_finished(self, event):
        self.heard.append(("run_finished", event))


@pytest.fixture
def listener(tmp_path, monkeypatch):
    """Join trackers by class; return the listener, those that were built, and the warnings."""

    def join(**classes):
        built, warnings = {}, []

        def create(kind, name, parameters, folder):
            assert (kind, folder) == ("tracker", tmp_path)
            built[name] = classes[name](folder)
            return built[name]

        monkeypatch.setattr("imbalance_derm.pipeline.trackers.create", create)
        chosen = [SimpleNamespace(name=name, parameters={}) for name in classes]
        spec = SimpleNamespace(trackers=chosen)
        return trackers_as_listener(spec, tmp_path, warnings.append), built, warnings

    return join


def test_each_hook_hears_its_own_events_in_order(tmp_path, listener):
    listen, built, warnings = listener(one=Listens, other=Listens)
    told = events(tmp_path)
    for event in (*told, StageStarted("train", "0"), StageProgress("train", 1, 2)):
        listen(event)
    for tracker in built.values():
        assert [event for _, event in tracker.heard] == told
        for hook, event in tracker.heard:
            assert type(event) is HOOKS[hook]
        assert {hook for hook, _ in tracker.heard} == set(HOOKS)
    assert warnings == []


@pytest.mark.parametrize("error", [RuntimeError("no disk"), SystemExit("no disk")])
@pytest.mark.parametrize("hook", ["__init__", *HOOKS])
def test_one_that_raises_is_told_once_and_left_out(tmp_path, listener, hook, error):
    def fail(*_):
        raise error

    broken = type("Broken", (Listens,), {hook: fail})
    listen, built, warnings = listener(broken=broken, sound=Listens)
    for event in events(tmp_path) * 2:
        listen(event)
    name = type(error).__name__
    assert warnings == [f"tracker broken failed and is left out: {name}: no disk"]
    assert [event for _, event in built["sound"].heard] == events(tmp_path) * 2


def test_one_that_says_that_it_cannot_work_here_stops_the_run_before_it_begins(listener):
    def refuse(*_):
        raise InputError("tracker needs: pip install it")

    with pytest.raises(InputError, match="pip install"):
        listener(refusing=type("Refusing", (Listens,), {"__init__": refuse}))
