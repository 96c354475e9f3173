"""Writes leaderboards as CSV, in full precision."""

from __future__ import annotations

import csv
import io
from typing import Any

from imbalance_derm.benchmark.failed import FailedCell
from imbalance_derm.benchmark.json_format import finite
from imbalance_derm.benchmark.leaderboard import Board
from imbalance_derm.benchmark.rows import PARTS, Row
from imbalance_derm.benchmark.words import marks_text


def to_csv(boards: list[Board]) -> str:
    """Return one line a row: the shown metrics in full precision, each with its interval.

    A metric ``auc`` fills the columns ``auc``, ``auc_low``, ``auc_high`` and ``auc_printed_as``
    (the paper's heading); a cell is empty where there is nothing. Methods without figures close
    each ranking, with what became of them as ``status`` and ``reason``. Seeds, updates and
    folders of several runs are separated by spaces. ``p_top_holm`` is that a row equals the top,
    ``detectable_top_holm`` the smallest difference from it that would have been seen, both in the
    family of all pairs.
    """
    metrics = list(dict.fromkeys(name for board in boards for name in board.columns))
    figures = [f"{name}{end}" for name in metrics for end in ("", "_low", "_high", "_printed_as")]
    head = ["data", "group", "method", "mark", "status", *PARTS, "seeds", "updates", *figures]
    more = ["p_top_holm", "detectable_top_holm", "reason", "leaky", "source", "folders", "notice"]
    text = io.StringIO()
    writer = csv.DictWriter(text, [*head, *more], lineterminator="\n")
    writer.writeheader()
    for board in boards:
        for row in board.rows:
            writer.writerow(_flat_row(board, row, metrics))
        for cell in board.failures:
            writer.writerow(_flat_failure(board, cell))
    return text.getvalue()


def _flat_row(board: Board, row: Row, metrics: list[str]) -> dict[str, Any]:
    standing = row.standing
    compared = None if standing is None or standing.against_top is None else standing
    flat: dict[str, Any] = {
        "data": row.data,
        "group": board.title,
        "method": row.method,
        "mark": marks_text(row),
        "status": row.status,
        **row.parts,
        "seeds": " ".join(map(str, row.seeds)),
        "updates": " ".join(map(str, row.updates)),
        "p_top_holm": compared and compared.adjusted,
        "detectable_top_holm": compared and finite(compared.detectable),
        "leaky": row.leaky,
        "source": row.source,
        "folders": " ".join(run.folder for run in row.runs),
        "notice": row.notice,
    }
    for name in metrics:
        figure, printed = row.metrics.get(name), row.printed.get(name)
        if figure is not None:
            flat[name] = finite(figure.value)
            flat[f"{name}_low"] = finite(figure.low)
            flat[f"{name}_high"] = finite(figure.high)
        if printed is not None:
            flat[f"{name}_printed_as"] = printed.column
    return flat


def _flat_failure(board: Board, cell: FailedCell) -> dict[str, Any]:
    return {
        "data": board.data,
        "group": board.title,
        "method": cell.method,
        "status": cell.status,
        **cell.parts,
        "seeds": " ".join(map(str, cell.seeds)),
        "reason": cell.text,
        "folders": " ".join(cell.folders),
    }
