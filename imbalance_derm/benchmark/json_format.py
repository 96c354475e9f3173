"""Writes leaderboards as JSON, in full precision."""

from __future__ import annotations

import json
import math
from typing import Any

from imbalance_derm.benchmark.effects import Effect
from imbalance_derm.benchmark.failed import FailedCell
from imbalance_derm.benchmark.leaderboard import Board
from imbalance_derm.benchmark.rows import PARTS, Row, Run, SeedTests
from imbalance_derm.benchmark.side_tables import effects_title
from imbalance_derm.benchmark.splits import OverSplits
from imbalance_derm.evaluation.seed_comparison import SeedComparison
from imbalance_derm.experiment.record import Figure


def to_json(boards: list[Board]) -> str:
    """Return a JSON list with one object a ranking, every figure in full precision.

    Each has ``rows``, best first, ``findings``, ``effects`` and their title, ``over_splits`` (null
    where too few splits were drawn), ``failures`` and ``notes``. A row's ``metrics.NAME`` is
    ``{"value", "low", "high"}``, null where undefined or not given; ``printed.NAME`` is the
    paper's own heading and digits; ``runs`` are its seeds. ``detectable`` is of a single test at
    5 %, ``detectable_in_family`` of one among all that ``p_holm`` is adjusted over. McNemar's
    ``least_told`` is how many of the lesions that only one model gets right had to be on one side
    for a mid-p-value below 5 %.
    """
    return (
        json.dumps([_board(b) for b in boards], indent=2, ensure_ascii=False, allow_nan=False)
        + "\n"
    )


def _board(board: Board) -> dict[str, Any]:
    return {
        "data": board.data,
        "title": board.title,
        "metric": board.metric,
        "columns": list(board.columns),
        "rows": [_row(place, row) for place, row in enumerate(board.rows, start=1)],
        "findings": list(board.findings),
        "effects_title": effects_title(board),
        "effects": [_effect(effect) for effect in board.effects],
        "over_splits": None if board.splits is None else _splits(board.splits),
        "failures": [_failure(cell) for cell in board.failures],
        "notes": list(board.notes),
        "references": list(board.references),
    }


def _row(place: int, row: Row) -> dict[str, Any]:
    return {
        "position": place,
        "data": row.data,
        "fingerprint": row.fingerprint,
        "splits": row.splits,
        "method": row.method,
        "status": row.status,
        "best": row.best,
        "chosen": row.chosen,
        "leaky": row.leaky,
        **{part: row.parts.get(part) for part in PARTS},
        "axes": row.axes,
        "seeds": list(row.seeds),
        "updates": list(row.updates),
        "metrics": _figures(row.metrics),
        "against_top": _against_top(row),
        "runs": [_run(run) for run in row.runs],
        "printed": {
            name: {"column": figure.column, "text": figure.text, "unit": figure.unit}
            for name, figure in row.printed.items()
        },
        "test_counts": row.test_counts,
        "classes": row.classes,
        "confusion": row.confusion,
        "decision": row.decision,
        "source": row.source,
        "notice": row.notice,
        "caveats": list(row.caveats),
    }


def _run(run: Run) -> dict[str, Any]:
    return {
        "name": run.name,
        "folder": run.folder,
        "seed": run.seed,
        "updates": run.updates,
        "metrics": _figures(run.metrics),
    }


def _against_top(row: Row) -> dict[str, Any] | None:
    standing = row.standing
    if standing is None or standing.against_top is None:
        return None
    return {
        **_comparison(standing.against_top),
        "p": standing.p_value,
        "p_holm": standing.adjusted,
        "detectable_in_family": finite(standing.detectable),
        "distinguishable": standing.distinguishable,
        "other_budget": row.other_budget,
        "by_seed": [_tests(tests) for tests in row.tests],
    }


def _tests(tests: SeedTests) -> dict[str, Any]:
    found, areas = tests.mcnemar, tests.delong
    return {
        "seed": tests.seed,
        "mcnemar": {
            "only_this_right": found.only_first,
            "only_top_right": found.only_second,
            "lesions": found.lesions,
            "exact_p": found.exact,
            "mid_p": found.mid_p,
            "mid_p_holm": tests.mcnemar_adjusted,
            "least_told": found.least_told(),
            "least_told_in_family": found.least_told(tests.family),
        },
        "delong": None
        if areas is None
        else {
            **_figure(areas.difference),
            "p": finite(areas.p_value),
            "p_holm": tests.delong_adjusted,
            "detectable": finite(areas.detectable),
            "detectable_in_family": finite(areas.detectable_in_family(tests.family)),
        },
    }


def _effect(effect: Effect) -> dict[str, Any]:
    return {
        "axis": effect.axis,
        "value": effect.value,
        "against": effect.against,
        "metric": effect.metric,
        **_comparison(effect.comparison),
        "p": effect.p_value,
        "p_holm": effect.adjusted,
        "detectable_in_family": finite(effect.detectable),
        "pairs": effect.pairs,
        "unpaired": effect.unpaired,
        "smallest": finite(effect.smallest),
        "largest": finite(effect.largest),
        "other_budget": effect.other_budget,
    }


def _splits(found: OverSplits) -> dict[str, Any]:
    return {
        "metric": found.metric,
        "baseline": found.baseline,
        "methods": [
            {
                "method": each.method,
                "splits": each.splits,
                "difference": _figure(each.compared.difference),
                "p": each.compared.p_value,
                "p_holm": each.adjusted,
                "detectable": each.compared.detectable,
                "detectable_in_family": each.detectable,
            }
            for each in found.methods
        ],
    }


def _comparison(found: SeedComparison) -> dict[str, Any]:
    return {
        "difference": _figure(found.difference),
        "lesion_error": finite(found.lesion_error),
        "seed_error": finite(found.seed_error),
        "seeds": found.seeds,
        "detectable": finite(found.detectable),
    }


def _failure(cell: FailedCell) -> dict[str, Any]:
    return {
        "method": cell.method,
        **{part: cell.parts.get(part) for part in PARTS},
        "seeds": list(cell.seeds),
        "status": cell.status,
        "stage": cell.stage,
        "reason": cell.reason,
        "folders": list(cell.folders),
    }


def _figures(figures: dict[str, Figure]) -> dict[str, Any]:
    return {name: _figure(figure) for name, figure in figures.items()}


def _figure(figure: Figure) -> dict[str, Any]:
    return {end: finite(getattr(figure, end)) for end in ("value", "low", "high")}


def finite(value: float | None) -> float | None:
    """Return a figure as a file holds it: None where it is undefined."""
    return None if value is None or not math.isfinite(value) else value
