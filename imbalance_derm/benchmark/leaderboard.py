"""Ranks runs beside the published rows of the same data set; data sets are never mixed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from imbalance_derm.benchmark.published import PublishedTable, load_published
from imbalance_derm.benchmark.rows import PARTS, Row, measured_row, published_units
from imbalance_derm.errors import InputError
from imbalance_derm.experiment.record import find_records
from imbalance_derm.registry.manager import suggest
from imbalance_derm.report.summary import LOWER_IS_BETTER, headline_metrics, title_of

_NO_METHOD = ("seed", "updates", "root", "device", "threads")
"""Settings that have a column of their own, or say where a run was made and not how."""

_SHOWN_SETTINGS = 3
_OTHER_VERSION = "Runs on another version of this data set have a ranking of their own."


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
    notes: tuple[str, ...]
    references: tuple[str, ...]


def leaderboard(
    paths: list[Path], metric: str | None = None, published: Path | None = None
) -> list[Board]:
    """Rank every run found below `paths`, beside what was published on the same data sets.

    Parameters
    ----------
    paths : list of Path
        Run folders, or folders of runs.
    metric : str, optional
        What ranks the rows; by default AUC for two classes, balanced accuracy for more. A
        data set for which no row has it keeps its default.
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
    measured = [measured_row(folder, record) for folder, record in find_records(paths)]
    if not measured:
        where = ", ".join(map(str, paths)) or "no path"
        raise InputError(f"no run record below {where}; make one with: imbderm run")
    tables = load_published(published)
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in measured:
        groups.setdefault((row.data, row.fingerprint), []).append(row)
    versions = Counter(name for name, _ in groups)
    boards = []
    for (name, fingerprint), rows in sorted(groups.items()):
        title = name if versions[name] == 1 else f"{name} (data {fingerprint[:8] or 'unknown'})"
        boards.append(_board(title, rows, [t for t in tables if t.data.name == name], metric))
    known = {name for board in boards for row in board.rows for name in row.metrics}
    if metric is not None and metric not in known:
        raise InputError(f"no row has metric '{metric}'{suggest(metric, known)}")
    return boards


def _board(
    title: str, measured: list[Row], tables: list[PublishedTable], metric: str | None
) -> Board:
    labelled = _labelled(measured)
    units = [[row] for row in labelled]
    for table in tables:
        units.extend(published_units(table))
    rows = [row for unit in units for row in unit]
    headline = headline_metrics(measured[0].binary)
    known = {name for row in rows for name in row.metrics}
    ranked_by = metric if metric in known else headline[0]
    units.sort(key=lambda unit: _rank(unit, ranked_by))
    ordered = tuple(row for unit in units for row in unit)
    versions = [] if title == measured[0].data else [_OTHER_VERSION]
    columns = dict.fromkeys([ranked_by, *(name for name in headline if name in known)])
    return Board(
        data=measured[0].data,
        title=title,
        metric=ranked_by,
        columns=tuple(columns),
        rows=ordered,
        notes=tuple(dict.fromkeys([*versions, *_notes(labelled, tables, ranked_by, metric)])),
        references=tuple(table.source.text for table in tables),
    )


def _rank(unit: list[Row], metric: str) -> tuple[bool, float, str]:
    values = [row.metrics[metric].value for row in unit if metric in row.metrics]
    value = next((value for value in values if not math.isnan(value)), math.nan)
    sign = 1.0 if metric in LOWER_IS_BETTER else -1.0
    return math.isnan(value), 0.0 if math.isnan(value) else sign * value, unit[0].method


def _labelled(rows: list[Row]) -> list[Row]:
    """Lengthen labels until no two different methods read the same."""
    differing = [part for part in PARTS[2:] if len({row.parts.get(part, "") for row in rows}) > 1]
    labelled = [
        replace(row, method=" + ".join(filter(None, [row.method, *map(row.spoken, differing)])))
        for row in rows
    ]
    by_label: dict[str, list[Row]] = {}
    for row in labelled:
        by_label.setdefault(row.method, []).append(row)
    result = {id(row): row for row in labelled}
    for twins in by_label.values():
        settings = [_flat(row.spec) for row in twins]
        unlike = [
            key
            for key in sorted(set().union(*settings))
            if key.rpartition(".")[2] not in _NO_METHOD
            and len({repr(own.get(key)) for own in settings}) > 1
        ]
        if unlike:
            more = ", ..." if len(unlike) > _SHOWN_SETTINGS else ""
            for row, own in zip(twins, settings, strict=True):
                shown = ", ".join(f"{key}={own.get(key)}" for key in unlike[:_SHOWN_SETTINGS])
                result[id(row)] = replace(row, method=f"{row.method} ({shown}{more})")
    return [result[id(row)] for row in labelled]


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            flat.update(_flat(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _notes(
    measured: list[Row], tables: list[PublishedTable], ranked_by: str, asked: str | None
) -> Iterable[str]:
    yield from (row.notice for row in measured if row.notice)
    direction = "lowest" if ranked_by in LOWER_IS_BETTER else "highest"
    if asked is not None and asked != ranked_by:
        yield f"No row here has {asked}."
    yield f"Ranked by {title_of(ranked_by)}, {direction} first; [low, high] is a 95 % interval."
    yield (
        "Intervals cover the draw of the test images, not of the training seed: where two of "
        "them overlap, this table does not say which row is better."
    )
    yield from _shared(measured)
    for table in tables:
        yield from _comparison(measured, table)
        yield from (f"{note.mark} {note.text}" for note in table.footnote)
        yield from _recovery(table)
        yield from (f"{table.source.key}: {text}" for text in table.source.caveats)


def _shared(measured: list[Row]) -> Iterable[str]:
    """Say what all measured rows have in common, and where their budgets part."""
    parts = [
        f"{part} {measured[0].parts[part]}"
        for part in PARTS[2:]
        if part in measured[0].parts
        and measured[0].spoken(part)
        and len({row.parts.get(part) for row in measured}) == 1
    ]
    if parts:
        yield f"All rows measured here: {', '.join(parts)}."
    updates = sorted({row.updates for row in measured if row.updates is not None})
    if len(updates) == 1:
        yield f"Budget of the rows measured here: {updates[0]:,} optimiser updates."
    elif updates:
        yield (
            f"Not at equal budget: the rows measured here had {updates[0]:,} to {updates[-1]:,} "
            "optimiser updates; compare rows of equal updates only."
        )
    for decision in dict.fromkeys(row.decision for row in measured if row.decision):
        yield f"Decisions measured here: {decision}."


def _comparison(measured: list[Row], table: PublishedTable) -> Iterable[str]:
    """Say how the test images of the measured rows differ from the paper's."""
    official = table.data.test
    if not official:
        return
    whole, key = sum(official.values()), table.source.key
    distinct = {tuple(sorted(row.test_counts.items())) for row in measured}
    for counts in map(dict, sorted(distinct)):
        if counts == official:
            yield f"Measured here on as many test images, class by class, as {key}: {whole}."
            continue
        detail = ", ".join(f"{counts.get(name, 0)} of {n} {name}" for name, n in official.items())
        here = sum(counts.values())
        yield (
            f"Measured here on {here} of {key}'s {whole} test images "
            f"({here / whole:.0%}: {detail}): figures side by side, not on one test set."
        )


def _recovery(table: PublishedTable) -> Iterable[str]:
    found = [(entry, table.recovered(entry)) for entry in table.row]
    if any(fits is not None and len(fits) == 1 for _, fits in found):
        yield (
            "recovered: from the only confusion matrix that agrees with the printed figure and "
            "the printed count of missed positives; intervals by Wilson."
        )
    for entry, fits in found:
        if fits is not None and len(fits) != 1:
            count = "no confusion matrix agrees" if not fits else f"{len(fits)} matrices agree"
            yield f"{entry.method} is not recovered: {count} with the printed figures."
