"""What the pages of a leaderboard hold as JSON: each distinct text once, rows as short lists."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from imbalance_derm.benchmark.formats import metric_text, status_text
from imbalance_derm.benchmark.leaderboard import Board
from imbalance_derm.benchmark.rows import THEN, Row, kind_of
from imbalance_derm.report.summary import LOWER_IS_BETTER, title_of

REPORT_FILE = "report.html"
UNKNOWN = "not stated"
AXES = (
    "synth", "sampler", "mixer", "loss", "head", "backbone", "recipe", "stages", "optimizer",
    "posthoc", "seed", "updates",
)  # fmt: skip
"""What rows can be filtered by besides data and status, in the order in which a run uses them."""

_DIGITS = 6
_BETWEEN = "\n"  # no class is called so: each stands in the head of a csv


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
        self._rows = [_Row.of(board, row, start) for row in board.rows]

    def view(self, places: Iterable[int] | None = None, up: str = "") -> dict[str, Any]:
        """Return what the script of a page reads.

        Parameters
        ----------
        places : iterable of int, optional
            Of the rows to show, the first is 1; by default all.
        up : str
            The way from the page to the start page's folder, such as ``"../"``.
        """
        axes = {name: _Vocabulary() for name in ("status", *AXES)}
        classes = _Vocabulary()
        shown = range(1, len(self._rows) + 1) if places is None else places
        rows = [_line(place, self._rows[place - 1], axes, classes, up) for place in shown]
        return {
            "title": self._board.title,
            "metrics": self._metrics,
            "rows": rows,
            "axes": [
                {"name": name, "values": texts, "parts": [part_of(name, text) for text in texts]}
                for name, texts in ((name, axis.texts) for name, axis in axes.items())
            ],
            "classes": [names.split(_BETWEEN) for names in classes.texts],
            "notes": list(self._board.notes),
            "references": list(self._board.references),
        }


def part_of(axis: str, value: str) -> str | None:
    """Return the component behind a value of an axis, as the key of its page, if there is one.

    Examples
    --------
    >>> part_of("backbone", "vgg16, frozen"), part_of("seed", "3")
    ('backbone/vgg16', None)
    """
    if axis in ("status", "seed", "updates") or value == UNKNOWN or THEN in value:
        return None
    kind = "stage" if axis == "stages" else kind_of(axis)
    return f"{kind}/{value.removesuffix(', frozen')}"


class _Vocabulary:
    """Texts in order of appearance, each known by its place."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}

    def place(self, text: str) -> int:
        return self._places.setdefault(text, len(self._places))

    @property
    def texts(self) -> list[str]:
        return list(self._places)


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


@dataclass(frozen=True)
class _Row:
    method: str
    settings: dict[str, str]
    figures: list[list[Any] | None]
    report: str
    run: str
    classes: str
    confusion: list[list[int]]

    @staticmethod
    def of(board: Board, row: Row, start: Path) -> _Row:
        settings = {
            **row.parts,
            "status": status_text(row, board),
            "seed": "" if row.seed is None else str(row.seed),
            "updates": "" if row.updates is None else str(row.updates),
        }
        return _Row(
            row.method,
            {name: text for name, text in settings.items() if text},
            [_figure(row, name) for name in board.columns],
            _report(row, start),
            row.folder.rpartition("/")[2],
            _BETWEEN.join(row.classes),
            row.confusion,
        )


def _line(
    place: int, row: _Row, axes: dict[str, _Vocabulary], classes: _Vocabulary, up: str
) -> list[Any]:
    return [
        place,
        row.method,
        [axis.place(row.settings.get(name, UNKNOWN)) for name, axis in axes.items()],
        row.figures,
        up + row.report if row.report else None,
        row.run,
        [classes.place(row.classes), row.confusion] if row.confusion else None,
    ]


def _figure(row: Row, name: str) -> list[Any] | None:
    figure = row.metrics.get(name)
    if figure is None or math.isnan(figure.value):
        return None
    ends = [None if e is None else round(e, _DIGITS) for e in (figure.low, figure.high)]
    # What a paper printed is shown with its own digits and mark.
    text = [metric_text(row, name)] if name in row.printed else []
    return [round(figure.value, _DIGITS), *ends, *text]


def _report(row: Row, start: Path) -> str:
    """Return the relative address of a run's own report, "" where it has none."""
    report = f"{row.folder}/{REPORT_FILE}"
    if not row.folder or not os.path.isfile(report):  # noqa: PTH113 (a Path costs more, twice)
        return ""
    # As written, not resolved: a browser follows ".." in the address that the user opened.
    return quote(os.path.relpath(report, start).replace(os.sep, "/"))
