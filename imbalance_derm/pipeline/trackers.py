"""The run's trackers, joined into one listener that never raises."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from imbalance_derm.errors import InputError
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
    working: dict[str, Tracker] = {}

    def leave_out(name: str, error: BaseException) -> None:
        working.pop(name, None)
        warn(f"tracker {name} failed and is left out: {type(error).__name__}: {error}")

    for chosen in spec.trackers:
        try:
            tracker = create("tracker", chosen.name, chosen.parameters, folder)
        except InputError:
            raise
        except (Exception, SystemExit) as error:
            leave_out(chosen.name, error)
        else:
            working[chosen.name] = tracker

    def listen(event: Event) -> None:
        for name, tracker in list(working.items()):
            try:
                tell(tracker, event)
            except (Exception, SystemExit) as error:
                leave_out(name, error)

    return listen
