"""The run's trackers, joined into one listener that never raises."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from imbalance_derm.experiment.events import Event, Listener
from imbalance_derm.experiment.spec import Spec
from imbalance_derm.registry.parameters import create
from imbalance_derm.tracking.contract import Tracker, tell


def trackers_as_listener(spec: Spec, folder: Path, warn: Callable[[str], None]) -> Listener:
    """Build the trackers of `spec`; one that raises is reported once and then left out.

    Raises
    ------
    InputError
        A tracker is unknown, or says that it cannot work here.
    """
    working: dict[str, Tracker] = {
        chosen.name: create("tracker", chosen.name, chosen.parameters, folder)
        for chosen in spec.trackers
    }

    def listen(event: Event) -> None:
        for name, tracker in list(working.items()):
            try:
                tell(tracker, event)
            except Exception as error:
                del working[name]
                warn(f"tracker {name} failed and is left out: {type(error).__name__}: {error}")

    return listen
