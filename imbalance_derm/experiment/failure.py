"""What is left of a run that gave no record: why, and at which stage."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from imbalance_derm.errors import InputError
from imbalance_derm.experiment.files import write_text

FAILURE_FILE = "failure.json"
Status = Literal["refused", "failed", "timed out"]


@dataclass(frozen=True)
class Failure:
    """One run of a suite that gave no record.

    Attributes
    ----------
    name : str
        Name of the run's folder.
    spec : dict
        The fully resolved specification.
    status : {"refused", "failed", "timed out"}
        Refused: parts that cannot work together, or not with these data.
    stage : str
        Where it ended; "" where nothing was begun.
    reason : str
        One line.
    """

    name: str
    spec: dict[str, Any]
    status: Status
    stage: str
    reason: str


def write_failure(folder: Path, failure: Failure) -> None:
    """Write `failure` into the run's folder, beside its specification."""
    write_text(folder / FAILURE_FILE, json.dumps(asdict(failure), indent=1) + "\n")


def find_failures(paths: list[Path]) -> list[tuple[Path, Failure]]:
    """Return every failure at or below `paths` with its folder, in a stable order.

    Raises
    ------
    InputError
        A file named failure.json is not one.
    """
    found = []
    for path in paths:
        for file in sorted(path.rglob(FAILURE_FILE)):
            try:
                found.append((file.parent, Failure(**json.loads(file.read_text("utf-8")))))
            except (TypeError, ValueError) as error:
                raise InputError(f"{file} is not what a failed run leaves; remove it") from error
    return found
