"""Ranks methods beside the published rows of the same data set; data sets are never mixed."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from imbalance_derm.benchmark.cells import measured_rows
from imbalance_derm.benchmark.effects import Effect
from imbalance_derm.benchmark.failed import FailedCell, failed_cells, unfinished_rows
from imbalance_derm.benchmark.labels import labelled
from imbalance_derm.benchmark.notes import OTHER_VERSION, notes_of
from imbalance_derm.benchmark.published import PublishedTable, load_published
from imbalance_derm.benchmark.published_rows import published_units
from imbalance_derm.benchmark.ranks import over_data_sets
from imbalance_derm.benchmark.rows import Row
from imbalance_derm.benchmark.splits import OverSplits, over_splits
from imbalance_derm.benchmark.standing import standings
from imbalance_derm.benchmark.suite_file import read_suites
from imbalance_derm.errors import InputError
from imbalance_derm.experiment.failure import Failure, find_failures
from imbalance_derm.experiment.record import find_records
from imbalance_derm.registry.manager import suggest
from imbalance_derm.report.summary import LOWER_IS_BETTER, headline_metrics


@dataclass(frozen=True)
class Board:
    """One ranking: rows that were tested on the same data set.

    Attributes
    ----------
    data, title : str
        Name of the data set, and the name that sets this ranking apart from the others.
    metric : str
        What ranks the rows.
    columns : tuple of str
        Metrics to show, most important first.
    rows : tuple of Row
        Best first; a recovered row stands below the printed row it comes from.
    findings : tuple of str
        What the ranking says, and what it cannot say.
    effects : tuple of Effect
        What the values of each axis change, averaged over all else.
    splits : OverSplits or None
        How the methods of the data set compare over its re-drawn splits, of which this ranking
        is one; None where they are too few.
    failures : tuple of FailedCell
        Methods with runs that gave no record.
    notes : tuple of str
        What a reader must know before comparing two rows.
    references : tuple of str
        Sources of the published rows.
    """

    data: str
    title: str
    metric: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    findings: tuple[str, ...]
    effects: tuple[Effect, ...]
    splits: OverSplits | None
    failures: tuple[FailedCell, ...]
    notes: tuple[str, ...]
    references: tuple[str, ...]


def leaderboard(
    paths: list[Path], metric: str | None = None, published: Path | None = None
) -> list[Board]:
    """Rank every method found below `paths`, beside what was published on the same data sets.

    Parameters
    ----------
    paths : list of Path
        Run folders, folders of runs, or folders of suites.
    metric : str, optional
        What ranks the rows; by default the suite's, else AUC for two classes and balanced
        accuracy for more. A data set for which no row has it keeps its default.
    published : Path, optional
        Folder of published results; by default those that come with the package.

    Returns
    -------
    list of Board
        One for each data set; two versions of one data set (by fingerprint) make two.

    Raises
    ------
    InputError
        A path is missing or holds no run, a file is malformed, or no row has `metric`.
    """
    suites = read_suites(paths)
    records = find_records(paths)
    rows, repeats = measured_rows([each for each in records if suites.counts(each[0])], suites)
    others = [each for each in records if not suites.counts(each[0])]
    stale = [(str(record.data["name"]), folder.name) for folder, record in others]
    failures = [each for each in find_failures(paths) if suites.counts(each[0])]
    failed = unfinished_rows(failures, rows, suites)
    if not rows and not failed:
        where = ", ".join(map(str, paths)) or "no path"
        raise InputError(f"no run record below {where}; make one with: imbderm run")
    tables = load_published(published)
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.data, row.fingerprint), []).append(row)
    versions = Counter(name for name, _ in groups)
    for row, _ in failed:
        if row.data not in versions:
            groups.setdefault((row.data, ""), [])
    boards: list[Board] = []
    for (name, fingerprint), own in sorted(groups.items()):
        title = name if versions[name] < 2 else f"{name} (data {fingerprint[:8] or 'unknown'})"
        # A failed run has no test set: it stands in the first ranking of its data set.
        first = name not in {board.data for board in boards}
        given = _Given(
            name=name,
            title=title,
            metric=metric or suites.metric,
            axes=suites.axes,
            remarks=[
                r
                for suite in dict.fromkeys(row.suite for row in own)
                for r in suites.remarks.get(suite, ())
            ],
            tables=[table for table in tables if table.data.name == name],
            repeats=[run for data, run in repeats if data == name],
            stale=[run for data, run in stale if data == name],
        )
        ended = [each for each in failed if first and each[0].data == name]
        boards.append(_board(given, own, ended))
    known = {name for board in boards for row in board.rows for name in row.metrics}
    if metric is not None and metric not in known:
        raise InputError(f"no row has metric '{metric}'{suggest(metric, known)}")
    said = over_data_sets(boards)
    redrawn = {name: over_splits([b for b in boards if b.data == name]) for name, _ in groups}
    return [
        replace(board, splits=redrawn[board.data], notes=(*board.notes, *said)) for board in boards
    ]


@dataclass(frozen=True)
class _Given:
    """What is known of a ranking before its rows are."""

    name: str
    title: str
    metric: str
    axes: dict[str, tuple[str, ...]]
    remarks: list[str]
    tables: list[PublishedTable]
    repeats: list[str]
    stale: list[str]


def _board(given: _Given, rows: list[Row], ended: list[tuple[Row, Failure]]) -> Board:
    named = labelled(rows, [row for row, _ in ended])
    measured, unfinished = named[: len(rows)], named[len(rows) :]
    published = [unit for table in given.tables for unit in published_units(table)]
    every = [*measured, *(row for unit in published for row in unit)]
    headline = headline_metrics(every[0].binary if every else True)
    known = {name for row in every for name in row.metrics}
    ranked_by = given.metric if given.metric in known else headline[0]
    columns = tuple(dict.fromkeys([ranked_by, *(name for name in headline if name in known)]))
    found = standings(measured, ranked_by, columns, given.axes)
    units = sorted([[row] for row in found.rows] + published, key=lambda u: _rank(u, ranked_by))
    left_out = given.repeats, given.stale
    notes = notes_of(found.rows, given.tables, ranked_by, given.metric, *left_out)
    return Board(
        data=given.name,
        title=given.title,
        metric=ranked_by,
        columns=columns,
        rows=tuple(row for unit in units for row in unit),
        findings=tuple(found.findings),
        effects=found.effects,
        splits=None,
        failures=failed_cells(list(zip(unfinished, (f for _, f in ended), strict=True))),
        notes=tuple(
            dict.fromkeys(
                [*([] if given.title == given.name else [OTHER_VERSION]), *given.remarks, *notes]
            )
        ),
        references=tuple(table.source.text for table in given.tables),
    )


def _rank(unit: list[Row], metric: str) -> tuple[bool, float, str]:
    values = [row.metrics[metric].value for row in unit if metric in row.metrics]
    value = next((value for value in values if not math.isnan(value)), math.nan)
    sign = 1.0 if metric in LOWER_IS_BETTER else -1.0
    return math.isnan(value), 0.0 if math.isnan(value) else sign * value, unit[0].method
