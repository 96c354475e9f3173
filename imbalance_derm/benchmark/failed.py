"""What a leaderboard says of runs that gave no record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from imbalance_derm.benchmark.cells import complete_parts, method_key
from imbalance_derm.benchmark.rows import PARTS, Row, Run
from imbalance_derm.benchmark.suite_file import NO_SUITE, SuiteFacts
from imbalance_derm.experiment.failure import Failure


@dataclass(frozen=True)
class FailedCell:
    """Runs of one method that ended alike.

    Attributes
    ----------
    method : str
    parts : dict of str to str
    seeds : tuple of int
    status : str
        "refused", "failed" or "timed out".
    stage : str
        Where they ended; empty where nothing was begun.
    reason : str
    folders : tuple of str
    """

    method: str
    parts: dict[str, str]
    seeds: tuple[int, ...]
    status: str
    stage: str
    reason: str
    folders: tuple[str, ...]

    @property
    def text(self) -> str:
        """Status, stage and reason in one line, such as ``failed at fit: no image``."""
        return f"{self.status}{f' at {self.stage}' if self.stage else ''}: {self.reason}"


def unfinished_row(folder: Path, failure: Failure, suites: SuiteFacts = NO_SUITE) -> Row:
    """Return a row without figures, by which a failed run is named like its finished siblings."""
    spec = failure.spec
    parts = {
        section: str(spec[section]["name"])
        for section in PARTS
        if isinstance(spec.get(section), dict) and "name" in spec[section]
    }
    if "backbone" not in parts:
        parts["backbone"] = "?"
    seed = int(spec.get("seed", 0))
    run = Run(failure.name, folder.as_posix(), seed, None, "", {}, {}, {}, [])
    return Row(
        data=data_of(failure),
        fingerprint="",
        method=failure.name,
        parts=complete_parts(parts, spec),
        status="measured here",
        metrics={},
        binary=True,
        key=method_key(spec),
        runs=(run,),
        axes=suites.values.get(folder.as_posix(), {}),
        spec=spec,
    )


def unfinished_rows(
    found: Sequence[tuple[Path, Failure]], rows: Sequence[Row], suites: SuiteFacts = NO_SUITE
) -> list[tuple[Row, Failure]]:
    """Return a row for each failed run that no record of its method and seed makes up for."""
    measured: dict[str, list[Row]] = {}
    for row in rows:
        measured.setdefault(method_key(row.spec), []).append(row)
    unfinished = []
    for folder, failure in found:
        own = unfinished_row(folder, failure, suites)
        siblings = measured.get(own.key, [])
        if any(own.runs[0].seed in row.seeds for row in siblings):
            continue
        if len(siblings) == 1:  # Where there are several, it is not known which it belongs to.
            own = replace(own, key=siblings[0].key, splits=siblings[0].splits)
        unfinished.append((own, failure))
    return unfinished


def data_of(failure: Failure) -> str:
    """Return the name of the data set that a failed run was of."""
    data = failure.spec.get("data")
    return str(data.get("name", "")) if isinstance(data, dict) else str(data or "")


def failed_cells(named: Sequence[tuple[Row, Failure]]) -> tuple[FailedCell, ...]:
    """Group failed runs of one method that ended alike.

    Parameters
    ----------
    named : sequence of (Row, Failure)
        Each with its row from :func:`unfinished_row`, named.
    """
    groups: dict[tuple[str, str, str, str], list[Row]] = {}
    for row, failure in named:
        how = row.method, failure.status, failure.stage, failure.reason
        groups.setdefault(how, []).append(row)
    cells = []
    for (method, status, stage, reason), rows in groups.items():
        runs = sorted((run for row in rows for run in row.runs), key=lambda run: run.seed)
        seeds = tuple(dict.fromkeys(run.seed for run in runs))
        folders = tuple(run.folder for run in runs)
        cells.append(FailedCell(method, rows[0].parts, seeds, status, stage, reason, folders))
    return tuple(sorted(cells, key=lambda cell: (cell.method, cell.seeds)))
