"""Lays a leaderboard out as a table that fits the terminal's width."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from rich import box
from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from imbalance_derm.benchmark.leaderboard import Board
from imbalance_derm.benchmark.rows import Row
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
from imbalance_derm.experiment.record import Figure
from imbalance_derm.report.summary import title_of

_GAP = 2
_STYLES = {"measured here": "bold", "as printed": "", "recovered": "italic"}


@dataclass(frozen=True)
class _Layout:
    """What is shown, and whether marks, status and intervals stand below method and value."""

    metrics: tuple[str, ...]
    stacked: bool
    budget: bool
    label: int


@dataclass(frozen=True)
class _Column:
    head: str
    cells: list[str]
    right: bool
    width: int


def to_table(board: Board, width: int) -> RenderableType:
    """Return a board as a Rich renderable for a terminal of `width` columns.

    What does not fit is given up in this order: marks, status and intervals move to a second
    line, the method is wrapped, seeds and updates go, then metrics from the least important.
    What was left out is named.
    """
    layouts = list(_layouts(board))
    fits = (layout for layout in layouts if _width(_columns(board, layout)) <= width)
    layout = next(fits, layouts[-1])
    lines: list[RenderableType] = [_table(board, layout)]
    missing = [title_of(name) for name in board.columns if name not in layout.metrics]
    missing += [] if layout.budget else ["seeds", "updates"]
    if missing:
        lines.append(Text(f"No room for {', '.join(missing)}: see --format md.", "yellow"))
    lines += [Text(line) for line in board.findings]
    for table in side_tables(board):
        lines += [Text(f"{table.title}:"), *(Text(f"  {line}") for line in table.lines)]
    if board.failures:
        lines.append(Text("Without figures:", "yellow"))
        lines += [Text(f"  {failure_text(cell)}", "yellow") for cell in board.failures]
    rest = closing_lines(board)[len(board.findings) :]
    lines += [Text(line, "dim") for line in rest]
    return Group(*lines, Text(""))


def _layouts(board: Board) -> Iterator[_Layout]:
    yield _Layout(board.columns, stacked=False, budget=True, label=60)
    for label in (44, 30, 20):
        yield _Layout(board.columns, stacked=True, budget=True, label=label)
    for count in range(len(board.columns), 0, -1):
        yield _Layout(board.columns[:count], stacked=True, budget=False, label=18)


def _columns(board: Board, layout: _Layout) -> list[_Column]:
    status = [status_text(row, board) for row in board.rows]
    marks = [marks_text(row) for row in board.rows]
    methods = [row.method for row in board.rows]
    if layout.stacked:
        below = zip(methods, status, marks, strict=True)
        methods = ["\n".join(filter(None, lines)) for lines in below]
        columns = [_column("method", methods, right=False, limit=layout.label)]
    else:
        columns = [
            _column("method", methods, right=False, limit=layout.label),
            *([_column("mark", marks, right=False)] if any(marks) else []),
            _column("status", status, right=False),
        ]
    for metric in layout.metrics:
        head = title_of(metric)
        if layout.stacked:
            cells = [_stacked(row, metric) for row in board.rows]
            columns.append(_column(head.replace(" ", "\n"), cells))
        else:
            columns.append(_column(head, [metric_text(row, metric) for row in board.rows]))
    if layout.budget:
        columns.append(_column("seeds", [seed_count(row) for row in board.rows]))
        columns.append(_column("updates", [updates_text(row) for row in board.rows]))
    return columns


def _column(head: str, cells: list[str], right: bool = True, limit: int | None = None) -> _Column:
    lines = [line for text in [head, *cells] for line in text.split("\n")]
    width = max(map(cell_len, lines))
    return _Column(head, cells, right, width if limit is None else min(width, limit))


def _width(columns: list[_Column]) -> int:
    return sum(column.width for column in columns) + _GAP * (len(columns) - 1)


def _stacked(row: Row, metric: str) -> str:
    if metric not in row.metrics:
        return ""
    figure = row.metrics[metric]
    value = metric_text(replace(row, metrics={metric: Figure(figure.value)}), metric)
    if figure.low is None or figure.high is None:
        return value
    return f"{value}\n{_short(figure.low)}–{_short(figure.high)}"


def _short(value: float) -> str:
    text = f"{value:.3f}"
    return text[1:] if text.startswith("0.") else text


def _table(board: Board, layout: _Layout) -> Table:
    table = Table(
        title=board.title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, _GAP - 1, 0, 0),  # the box adds one column between cells
    )
    columns = _columns(board, layout)
    for column in columns:
        table.add_column(
            column.head,
            justify="right" if column.right else "left",
            width=column.width,
            no_wrap=column.right,
            overflow="fold",
        )
    for place, row in enumerate(board.rows):
        table.add_row(*(Text(column.cells[place], _STYLES[row.status]) for column in columns))
    return table
