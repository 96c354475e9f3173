"""How rows and failures read, in every format."""

from __future__ import annotations

from imbalance_derm.benchmark.failed import FailedCell
from imbalance_derm.benchmark.leaderboard import Board
from imbalance_derm.benchmark.predictions import seeds_text
from imbalance_derm.benchmark.rows import Row
from imbalance_derm.report.summary import figure_text


def metric_text(row: Row, metric: str) -> str:
    """Return what a table shows for a metric: value, interval and footnote mark, or nothing.

    A printed figure keeps the paper's number of decimals.
    """
    if metric not in row.metrics:
        return ""
    printed = row.printed.get(metric)
    text = figure_text(row.metrics[metric], printed.digits if printed else 3)
    return text + (printed.mark if printed else "")


def status_text(row: Row, board: Board) -> str:
    """Return the row's status with the number of its source, such as ``as printed [1]``."""
    if not row.source:
        return row.status
    return f"{row.status} [{board.references.index(row.source) + 1}]"


def marks_text(row: Row) -> str:
    """Return the row's marks, such as ``best, chosen``."""
    return ", ".join(row.marks)


def seed_count(row: Row) -> str:
    """Return the number of training seeds behind a row, or nothing where it is not known."""
    return str(len(row.runs)) if row.runs else ""


def updates_text(row: Row) -> str:
    """Return the budget in optimiser updates, as a range where the runs differ.

    Examples
    --------
    >>> updates_text(Row("d", "", "m", {}, "measured here", {}, True))
    ''
    """
    ends = dict.fromkeys((row.updates[0], row.updates[-1])) if row.updates else ()
    return "–".join(f"{count:,}" for count in ends)


def failure_text(cell: FailedCell) -> str:
    """Return a failed method in one line, with its seeds and the reason."""
    seeds = f"seed{'s' if len(cell.seeds) != 1 else ''} {seeds_text(cell.seeds)}"
    return f"{cell.method} ({seeds}): {cell.text}"


def closing_lines(board: Board) -> list[str]:
    """Return findings, numbered sources and notes of a board, one a line."""
    references = [f"[{i}] {text}" for i, text in enumerate(board.references, start=1)]
    return [*board.findings, *references, *board.notes]
