"""The record of one run: everything a reader needs to judge or repeat its figures."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from imbalance_derm.errors import InputError

FORMAT = 1
RECORD_FILE = "record.json"


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its 95 % interval; `low` and `high` are None where none can be given."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class StageEntry:
    """What one stage did, or found in the cache.

    Attributes
    ----------
    stage, key : str
        Name of the stage and hash of all that determines its result.
    cached : bool
        True where the result was found and nothing was computed.
    seconds, peak_memory_mb : float
        Of the computation, whenever it took place; peak resident memory of the process.
    steps : int
        Optimiser steps taken in this run: 0 where the stage was found in the cache.
    facts : dict
        What the computation reported, such as ``{"steps": 400}``.
    other_versions : dict of str to str
        By package the version that computed it, where that is not the one of this run.
    """

    stage: str
    key: str
    cached: bool
    seconds: float
    peak_memory_mb: float
    steps: int = 0
    facts: dict[str, Any] = field(default_factory=dict)
    other_versions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Record:
    """One finished run.

    Attributes
    ----------
    name : str
        Name of the run's folder.
    command : str
        The command line, or the Python call, that made it.
    spec : dict
        The fully resolved specification, section by section.
    components : dict of str to dict
        By section: ``{"name", "distribution", "version", "citation"}``.
    data : dict
        ``name``, ``fingerprint`` (of all splits as decoded), ``test_set`` (of the test images
        and labels at any resolution), ``updates``, ``notice``, ``leaky`` (why the test images
        validated, or ""), ``classes``, ``positive`` (or ""), ``skipped``,
        ``counts`` (by split, by class) and ``fed`` (real and synthetic rows by class).
    metrics : dict
        ``metrics["test"][NAME]`` is a :class:`Figure`; so is ``metrics["validation"][NAME]``.
        Names of per-class figures end in ``/CLASS``, as in ``sensitivity/mel``.
    confusion : dict
        By split the confusion matrix, rows are the truth, columns the decision.
    decision : dict
        ``rule`` ("threshold" or "argmax"), ``threshold``, ``criterion``, ``chosen_on``.
    stages : list of StageEntry
    curves : dict
        ``classifier``: list of ``{"update", "loss", ...}``; ``synthesizer``: as its facts say.
    environment : dict
        Versions, device, threads, platform.
    seed : int
    seconds : float
        Wall time of the run.
    created : str
        UTC time, ISO 8601.
    robustness : dict
        By metric what it is on corrupted test images; empty where they were not judged.
    sites : dict
        What body sites tell; empty where none are known.
    paired : dict
        Differences from a twin; empty where there was none.
    """

    name: str
    command: str
    spec: dict[str, Any]
    components: dict[str, dict[str, str]]
    data: dict[str, Any]
    metrics: dict[str, dict[str, Figure]]
    confusion: dict[str, list[list[int]]]
    decision: dict[str, Any]
    stages: list[StageEntry]
    curves: dict[str, Any]
    environment: dict[str, Any]
    seed: int
    seconds: float
    created: str
    robustness: dict[str, Any] = field(default_factory=dict)
    sites: dict[str, Any] = field(default_factory=dict)
    paired: dict[str, Any] = field(default_factory=dict)
    format: int = FORMAT

    def to_json(self) -> str:
        """Return the record as JSON text (NaN becomes null)."""
        return json.dumps(_finite(asdict(self)), indent=2, allow_nan=False)

    @staticmethod
    def from_json(text: str, origin: str = "record") -> Record:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        InputError
            The text is not a record of this format; `origin` is named.
        """
        try:
            raw = json.loads(text)
            if raw["format"] != FORMAT:
                raise InputError(f"{origin} has record format {raw['format']}, this is {FORMAT}")
            raw["metrics"] = {
                split: {name: Figure(**_nan(figure)) for name, figure in figures.items()}
                for split, figures in raw["metrics"].items()
            }
            raw["stages"] = [StageEntry(**stage) for stage in raw["stages"]]
            return Record(**raw)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(
                f"{origin} is not a run record: {error}; remove or rerun it"
            ) from error


def find_records(paths: list[Path]) -> list[tuple[Path, Record]]:
    """Return every record at or below `paths` with its folder, in a stable order.

    Raises
    ------
    InputError
        A path does not exist, or a file named record.json is not a record.
    """
    found: dict[Path, Record] = {}
    for path in paths:
        if not path.exists():
            raise InputError(f"{path} does not exist; name a run folder or a folder of runs")
        files = [path] if path.is_file() else sorted(path.rglob(RECORD_FILE))
        for file in files:
            found[file.parent] = Record.from_json(file.read_text(encoding="utf-8"), str(file))
    return list(found.items())


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not -float("inf") < value < float("inf"):
        return None
    return value


def _nan(figure: dict[str, Any]) -> dict[str, Any]:
    return {**figure, "value": float("nan") if figure["value"] is None else figure["value"]}
