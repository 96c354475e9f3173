"""Rules of a tracker.

A tracker writes nothing into the folder that the user works in.
"""

from __future__ import annotations

from contextlib import chdir
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory

from imbalance_derm.errors import InputError
from imbalance_derm.experiment.events import (
    EpochFinished,
    Event,
    RunFinished,
    RunStarted,
    StageFinished,
)
from imbalance_derm.experiment.record import Figure, Record, StageEntry
from imbalance_derm.testing.build import Build
from imbalance_derm.testing.every import EVERY, HERE, UNCHANGED
from imbalance_derm.testing.rule import NotChecked, require, rule
from imbalance_derm.tracking.contract import Tracker, tell

CONTRACT = "imbalance_derm.tracking.contract"


def prepared(build: Build, folder: Path) -> Tracker:
    """Return the tracker of a run in `folder`."""
    try:
        tracker: Tracker = build(folder)
    except InputError as error:  # what it needs is not installed or not reachable here
        raise NotChecked(str(error)) from error
    return tracker


def events(folder: Path) -> list[Event]:
    """Return the events of a short run, in their order; a figure may lack its interval."""
    entry = StageEntry("train", "0123456789abcdef", False, 1.5, 100.0, 4, {"steps": 4})
    metrics = {"test": {"auc": Figure(0.8, 0.7, 0.9), "accuracy": Figure(0.5)}, "validation": {}}
    spec = {"name": "trial", "loss": {"name": "ce"}, "seed": 0}
    record = Record(
        name="trial", command="imbderm run", spec=spec, components={}, data={"classes": ["a", "b"]},
        metrics=metrics, confusion={"test": [[3, 1], [1, 3]]}, decision={}, stages=[entry],
        curves={}, environment={}, seed=0, seconds=2.0, created="2025-01-01T00:00:00+00:00",
    )  # fmt: skip
    return [
        RunStarted("trial", folder, spec),
        StageFinished(entry),
        EpochFinished(2, 4, {"auc": 0.7}),
        EpochFinished(4, 4, {"auc": 0.8}),
        RunFinished(record, folder),
    ]


@rule(CONTRACT, "Base of every tracker, constructed as ``Tracker(folder, **parameters)``.")
def it_is_a_tracker(build: Build) -> None:
    """Look at its class and its folder."""
    with TemporaryDirectory() as folder:
        tracker = prepared(build, Path(folder))
        require(isinstance(tracker, Tracker), "it is no Tracker")
        require(tracker.folder == Path(folder), "its attribute folder is not what it was handed")
        tell(tracker, events(Path(folder))[-1])  # closes what it has open


@rule(
    CONTRACT, "What a tracker is: it is told of the run's events. One that raises never fails the"
)
def it_hears_every_event(build: Build) -> None:
    """Tell of a short run, and of one that found everything in the cache."""
    for step in (1, 4):
        with TemporaryDirectory() as folder:
            tracker = prepared(build, Path(folder))
            for event in events(Path(folder))[::step]:
                try:
                    tell(tracker, event)
                except Exception as error:
                    require(False, f"it raises on {type(event).__name__}: {error!r}")


@rule(HERE, UNCHANGED)
def events_are_not_changed(build: Build) -> None:
    """Events before and after."""
    with TemporaryDirectory() as folder:
        tracker = prepared(build, Path(folder))
        for event in events(Path(folder)):
            before = deepcopy(event)
            tell(tracker, event)
            require(event == before, f"it changes {type(event).__name__}")


@rule(
    "imbalance_derm.testing.trackers",
    "A tracker writes nothing into the folder that the user works in.",
)
def working_folder_stays_clean(build: Build) -> None:
    """Look what is left there after a run."""
    with TemporaryDirectory() as folder, TemporaryDirectory() as elsewhere, chdir(elsewhere):
        tracker = prepared(build, Path(folder))
        for event in events(Path(folder)):
            tell(tracker, event)
        left = [path.name for path in Path(elsewhere).iterdir()]
        require(not left, f"it writes {', '.join(sorted(left))} into the working folder")


RULES = (
    *EVERY,
    it_is_a_tracker,
    it_hears_every_event,
    events_are_not_changed,
    working_folder_stays_clean,
)
