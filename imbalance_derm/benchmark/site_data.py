"""What the pages of a leaderboard hold as JSON: each distinct text once, rows as short lists."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from markupsafe import Markup

from imbalance_derm.benchmark.effects import Effect
from imbalance_derm.benchmark.leaderboard import Board
from imbalance_derm.benchmark.rows import PARTS, THEN, kind_of
from imbalance_derm.benchmark.side_tables import effects_title, splits_title
from imbalance_derm.benchmark.site_rows import (
    BETWEEN,
    UNKNOWN,
    RowView,
    Vocabulary,
    line,
    rounded,
)
from imbalance_derm.benchmark.splits import SplitContrast
from imbalance_derm.benchmark.words import failure_text
from imbalance_derm.report.summary import LOWER_IS_BETTER, title_of

AXES = (
    "synth", "sampler", "mixer", "loss", "head", "backbone", "recipe", "stages", "optimizer",
    "posthoc",
)  # fmt: skip
"""Parts that rows can be filtered by, in the order in which a run uses them."""
_FIRST, _LAST = ("status", "mark"), ("seeds", "updates")


def embedded(value: Any) -> Markup:
    r"""Return JSON that may stand in a ``script`` element, whatever the texts in it are.

    Examples
    --------
    >>> str(embedded(["</script>"]))
    '["\\u003c/script\\u003e"]'
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


class BoardData:
    """One ranking as pages hold it; what all pages share of a row is worked out once.

    Parameters
    ----------
    board : Board
    folder : Path
        The folder of the start page, which links to reports start from.
    """

    def __init__(self, board: Board, folder: Path) -> None:
        start = folder.absolute()
        self._board = board
        self._metrics = [_metric(board, name) for name in board.columns]
        fixed = {*PARTS, *_FIRST, *_LAST}
        free = dict.fromkeys(axis for row in board.rows for axis in row.axes if axis not in fixed)
        self._axes = (*_FIRST, *free, *AXES, *_LAST)
        self._rows = [RowView.of(board, row, self._axes, start) for row in board.rows]

    def view(self, places: Iterable[int] | None = None, up: str = "") -> dict[str, Any]:
        """Return what the script of a page reads.

        Parameters
        ----------
        places : iterable of int, optional
            Of the rows to show, the first is 1; by default all, with their runs one by one and
            what the ranking as a whole says.
        up : str
            The way from the page to the start page's folder, such as ``"../"``.
        """
        axes = [Vocabulary() for _ in self._axes]
        classes, whole = Vocabulary(), places is None
        shown = range(1, len(self._rows) + 1) if places is None else places
        rows = [line(place, self._rows[place - 1], axes, classes, up, whole) for place in shown]
        view = {
            "title": self._board.title,
            "metrics": self._metrics,
            "rows": rows,
            "axes": [
                {"name": name, "values": texts, "parts": [part_of(name, text) for text in texts]}
                for name, texts in zip(self._axes, map(list, axes), strict=True)
            ],
            "classes": [names.split(BETWEEN) for names in classes],
            "notes": list(self._board.notes),
            "references": list(self._board.references),
        }
        return view | (self._whole() if whole else {})

    def _whole(self) -> dict[str, Any]:
        board = self._board
        return {
            "findings": list(board.findings),
            "effects": [_effect(effect) for effect in board.effects],
            "effectsTitle": effects_title(board),
            "splits": [] if board.splits is None else list(map(_contrast, board.splits.methods)),
            "splitsTitle": "" if board.splits is None else splits_title(board.splits),
            "failures": [failure_text(cell) for cell in board.failures],
            "leaky": {row.key: row.leaky for row in board.rows if row.leaky},
        }


def _effect(effect: Effect) -> dict[str, Any]:
    return {
        "axis": effect.axis,
        "value": effect.value,
        "against": effect.against,
        "parts": [part_of(effect.axis, name) for name in (effect.value, effect.against)],
        "figure": rounded(effect.comparison.difference),
        "p": round(effect.adjusted, 3),
        "detectable": None if effect.detectable is None else round(effect.detectable, 3),
        "pairs": effect.pairs,
        "unpaired": effect.unpaired,
        "span": [round(effect.smallest, 3), round(effect.largest, 3)],
        "otherBudget": effect.other_budget,
    }


def _contrast(contrast: SplitContrast) -> dict[str, Any]:
    return {
        "method": contrast.method,
        "figure": rounded(contrast.compared.difference),
        "p": round(contrast.adjusted, 3),
        "splits": contrast.splits,
        "detectable": round(contrast.detectable, 3),
    }


def part_of(axis: str, value: str) -> str | None:
    """Return the component behind a value of an axis, as the key of its page, if there is one.

    Examples
    --------
    >>> part_of("backbone", "vgg16, frozen"), part_of("seeds", "3")
    ('backbone/vgg16', None)
    """
    if axis not in PARTS or value == UNKNOWN or THEN in value:
        return None
    kind = "stage" if axis == "stages" else kind_of(axis)
    return f"{kind}/{value.removesuffix(', frozen')}"


def _metric(board: Board, name: str) -> dict[str, Any]:
    ends = [
        end
        for row in board.rows
        if (figure := row.metrics.get(name)) is not None
        for end in (figure.value, figure.low, figure.high)
        if end is not None and not math.isnan(end)
    ]
    low, high = (min(ends), max(ends)) if ends else (0.0, 1.0)
    scale = [math.floor(10 * low) / 10, math.ceil(10 * high) / 10]
    if scale[0] == scale[1]:
        scale[1] += 0.1
    return {"title": title_of(name), "lower": name in LOWER_IS_BETTER, "scale": scale}
