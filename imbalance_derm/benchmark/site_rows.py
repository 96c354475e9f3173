"""A row of a leaderboard as pages hold it: a short list, its texts by number."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from imbalance_derm.benchmark.leaderboard import Board
from imbalance_derm.benchmark.rows import Row, Run, SeedTests
from imbalance_derm.benchmark.words import marks_text, metric_text, status_text, updates_text
from imbalance_derm.evaluation.delong import DeLong
from imbalance_derm.experiment.record import Figure

REPORT_FILE = "report.html"
UNKNOWN = "not stated"
BETWEEN = "\n"  # no class is called so: each stands in the head of a csv
_NO_MARK = "–"
_DIGITS = 6


class Vocabulary(dict[str, int]):
    """Numbers of texts in order of appearance; a new text gets the next.

    Examples
    --------
    >>> known = Vocabulary()
    >>> known["ce"], known["focal"], known["ce"], list(known)
    (0, 1, 0, ['ce', 'focal'])
    """

    def __missing__(self, text: str) -> int:
        self[text] = place = len(self)
        return place


@dataclass(frozen=True)
class RowView:
    """What all pages show of a row."""

    method: str
    key: str
    settings: list[str]
    figures: list[list[Any] | None]
    runs: list[RunView]
    classes: str
    confusion: list[list[int]]
    top: list[Any] | None

    @staticmethod
    def of(board: Board, row: Row, axes: Iterable[str], start: Path) -> RowView:
        """Return the view of a row; links to reports are relative to the folder `start`."""
        settings = {
            **row.axes,
            **{part: row.called(part) for part in row.parts},
            "status": status_text(row, board),
            "mark": marks_text(row) or _NO_MARK,
            "seeds": str(len(row.runs) or ""),
            "updates": updates_text(row),
        }
        return RowView(
            row.method,
            row.key,
            [settings.get(name) or UNKNOWN for name in axes],
            [_figure(row, name) for name in board.columns],
            [RunView.of(run, board.columns, start) for run in row.runs],
            BETWEEN.join(row.classes),
            row.confusion,
            _against_top(row),
        )


@dataclass(frozen=True)
class RunView:
    """What the start page shows of a run."""

    seed: int
    name: str
    report: str
    figures: list[list[Any] | None]

    @staticmethod
    def of(run: Run, columns: Iterable[str], start: Path) -> RunView:
        """Return the view of a run with these metrics."""
        figures = [rounded(run.metrics.get(name)) for name in columns]
        return RunView(run.seed, run.name, _report(run, start), figures)


def line(
    place: int,
    row: RowView,
    axes: list[Vocabulary],
    classes: Vocabulary,
    up: str,
    whole: bool,
) -> list[Any]:
    """Return the list that the script of a page reads; `whole` adds the runs one by one."""
    single = len(row.runs) == 1
    return [
        place,
        row.method,
        [axis[text] for axis, text in zip(axes, row.settings, strict=True)],
        row.figures,
        [
            # The figures of a single run are the row's.
            [run.seed, run.name, run.report and up + run.report, None if single else run.figures]
            for run in row.runs
            if whole or single
        ],
        [classes[row.classes], row.confusion] if row.confusion else None,
        row.key,
        row.top if whole else None,
    ]


def _against_top(row: Row) -> list[Any] | None:
    """Return difference, p-value, what could have been seen, tests by seed, and how many."""
    standing = row.standing
    if standing is None or standing.against_top is None:
        return None
    detectable = standing.detectable
    tests = [
        [
            each.seed,
            None if each.delong is None else _areas(each.delong, each),
            each.mcnemar.only_first,
            each.mcnemar.only_second,
            round(each.mcnemar.mid_p, 4),
            round(each.mcnemar_adjusted, 4),
            each.mcnemar.least_told(each.family),
        ]
        for each in row.tests
    ]
    return [
        rounded(standing.against_top.difference),
        round(standing.adjusted, 4),
        None if detectable is None else round(detectable, 4),
        tests,
        row.tests[0].family,
    ]


def _areas(found: DeLong, tests: SeedTests) -> list[Any]:
    """Return the difference of two AUCs, its p-value, that by Holm, and what could be seen."""
    return [
        rounded(found.difference),
        _finite(found.p_value),
        round(tests.delong_adjusted, 4),
        _finite(found.detectable_in_family(tests.family)),
    ]


def _figure(row: Row, name: str) -> list[Any] | None:
    figure = rounded(row.metrics.get(name))
    # What a paper printed is shown with its own digits and mark.
    return [*figure, metric_text(row, name)] if figure and name in row.printed else figure


def rounded(figure: Figure | None) -> list[Any] | None:
    """Return value and interval as a page holds them, None where there is no value."""
    if figure is None or math.isnan(figure.value):
        return None
    ends = (None if end is None else round(end, _DIGITS) for end in (figure.low, figure.high))
    return [round(figure.value, _DIGITS), *ends]


def _finite(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None


def _report(run: Run, start: Path) -> str:
    """Return the relative address of a run's own report, "" where it has none."""
    report = f"{run.folder}/{REPORT_FILE}"
    if not os.path.isfile(report):  # noqa: PTH113 (a Path costs more, twice)
        return ""
    # As written, not resolved: a browser follows ".." in the address that the user opened.
    return quote(os.path.relpath(report, start).replace(os.sep, "/"))
