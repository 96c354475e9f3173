"""Writes leaderboards as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from imbalance_derm.benchmark.leaderboard import Board
from imbalance_derm.benchmark.side_tables import side_tables
from imbalance_derm.benchmark.words import (
    closing_lines,
    failure_text,
    marks_text,
    metric_text,
    seed_count,
    status_text,
    updates_text,
)
from imbalance_derm.report.summary import title_of


def to_markdown(boards: list[Board]) -> str:
    """Return one Markdown table for each board, with its notes below."""
    return "\n".join(_markdown(board) for board in boards)


def _markdown(board: Board) -> str:
    titles = map(title_of, board.columns)
    heads = ["method", "mark", "status", *titles, "seeds", "updates"]
    rows = [
        [
            row.method,
            marks_text(row),
            status_text(row, board),
            *(metric_text(row, metric) for metric in board.columns),
            seed_count(row),
            updates_text(row),
        ]
        for row in board.rows
    ]
    lines = [f"## {_cell(board.title)}", "", *_table(heads, rows, left=3), ""]
    lines += [*(f"- {_cell(line)}" for line in closing_lines(board)), ""]
    for table in side_tables(board):
        title = f"{_cell(table.title)}:"
        lines += [title, "", *_table(table.heads, table.rows, table.left), ""]
    if board.failures:
        failed = (f"- {_cell(failure_text(cell))}" for cell in board.failures)
        lines += ["Without figures:", "", *failed, ""]
    return "\n".join(lines)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> list[str]:
    rule = [*["---"] * left, *["---:"] * (len(heads) - left)]
    return [_line(heads), _line(rule), *(_line([_cell(cell) for cell in row]) for row in rows)]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    """Keep a table whole whatever a class or a folder is called."""
    flat = " ".join(text.split())
    return flat.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
