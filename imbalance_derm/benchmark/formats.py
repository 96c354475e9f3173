"""Writes leaderboards as Markdown, JSON or CSV."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import Any

from imbalance_derm.benchmark.leaderboard import Board
from imbalance_derm.benchmark.rows import PARTS, Row
from imbalance_derm.report.summary import figure_text, title_of


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


def count_text(count: int | None) -> str:
    """Return a count with thousands set apart, or nothing."""
    return "" if count is None else f"{count:,}"


def closing_lines(board: Board) -> list[str]:
    """Return the numbered sources and the notes of a board, one a line."""
    references = [f"[{i}] {text}" for i, text in enumerate(board.references, start=1)]
    return [*references, *board.notes]


def to_markdown(boards: list[Board]) -> str:
    """Return one Markdown table for each board, with its notes below."""
    return "\n".join(_markdown(board) for board in boards)


def _markdown(board: Board) -> str:
    heads = ["method", "status", *map(title_of, board.columns), "seed", "updates"]
    right = ["---", "---", *["---:"] * (len(heads) - 2)]
    lines = [f"## {_cell(board.title)}", "", _line(heads), _line(right)]
    for row in board.rows:
        figures = [metric_text(row, metric) for metric in board.columns]
        seed = "" if row.seed is None else str(row.seed)
        cells = [row.method, status_text(row, board), *figures, seed, count_text(row.updates)]
        lines.append(_line([_cell(cell) for cell in cells]))
    lines += ["", *(f"- {_cell(line)}" for line in closing_lines(board)), ""]
    return "\n".join(lines)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    """Keep a table whole whatever a class or a folder is called."""
    flat = " ".join(text.split())
    return flat.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")


def to_json(boards: list[Board]) -> str:
    """Return a JSON list with one object a row, every metric in full precision.

    ``metrics.NAME`` is ``{"value", "low", "high"}``, null where undefined or not given;
    ``printed.NAME`` is the paper's own heading and digits.
    """
    rows = [
        {"rank_metric": board.metric, "position": position, **_plain(board, row)}
        for board in boards
        for position, row in enumerate(board.rows, start=1)
    ]
    return json.dumps(rows, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(board: Board, row: Row) -> dict[str, Any]:
    return {
        "data": row.data,
        "group": board.title,
        "fingerprint": row.fingerprint,
        "method": row.method,
        "status": row.status,
        **{part: row.parts.get(part) for part in PARTS},
        "seed": row.seed,
        "updates": row.updates,
        "metrics": {
            name: {
                "value": _finite(figure.value),
                "low": _finite(figure.low),
                "high": _finite(figure.high),
            }
            for name, figure in row.metrics.items()
        },
        "printed": {
            name: {"column": figure.column, "text": figure.text, "unit": figure.unit}
            for name, figure in row.printed.items()
        },
        "test_counts": row.test_counts,
        "decision": row.decision,
        "source": row.source,
        "folder": row.folder,
        "notice": row.notice,
        "caveats": list(row.caveats),
    }


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value


def to_csv(boards: list[Board]) -> str:
    """Return one line a row: the shown metrics in full precision, each with its interval.

    A metric ``auc`` fills the columns ``auc``, ``auc_low``, ``auc_high`` and ``auc_printed_as``
    (the paper's heading); a cell is empty where there is nothing.
    """
    metrics = list(dict.fromkeys(name for board in boards for name in board.columns))
    figures = [f"{name}{end}" for name in metrics for end in ("", "_low", "_high", "_printed_as")]
    head = ["data", "group", "method", "status", *PARTS, "seed", "updates", *figures]
    text = io.StringIO()
    writer = csv.DictWriter(text, [*head, "source", "folder", "notice"], lineterminator="\n")
    writer.writeheader()
    for board in boards:
        for row in board.rows:
            writer.writerow(_flat_row(board, row, metrics))
    return text.getvalue()


def _flat_row(board: Board, row: Row, metrics: list[str]) -> dict[str, Any]:
    flat: dict[str, Any] = {
        "data": row.data,
        "group": board.title,
        "method": row.method,
        "status": row.status,
        **row.parts,
        "seed": row.seed,
        "updates": row.updates,
        "source": row.source,
        "folder": row.folder,
        "notice": row.notice,
    }
    for name in metrics:
        figure, printed = row.metrics.get(name), row.printed.get(name)
        if figure is not None:
            flat[name] = _finite(figure.value)
            flat[f"{name}_low"] = _finite(figure.low)
            flat[f"{name}_high"] = _finite(figure.high)
        if printed is not None:
            flat[f"{name}_printed_as"] = printed.column
    return flat
