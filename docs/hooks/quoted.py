"""Figures and sentences on pages, taken from the committed results when the site is built.

A page writes ``{{ figure FILE POINTER }}``; POINTER is a JSON pointer (RFC 6901). What is not
there fails the build, so that no page can quote a figure that no file holds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from markdown_table import table
from recipe_table import recipe_table

from imbalance_derm.benchmark.published import PublishedTable, load_published
from imbalance_derm.benchmark.published_rows import recovered_figures
from imbalance_derm.report.summary import title_of

_NO_BREAK = "\N{NO-BREAK SPACE}"
RESULTS = Path(__file__).resolve().parents[2] / "benchmarks" / "results"
_MACRO = re.compile(r"\{\{ (\w+)(?: ([^{}]+?))? \}\}")


@cache
def load(name: str) -> Any:
    """Return what the results file called `name` holds."""
    return json.loads((RESULTS / name).read_text(encoding="utf-8"))


def look_up(name: str, pointer: str) -> Any:
    """Return what stands at a JSON pointer of a results file.

    Raises
    ------
    KeyError
        Nothing does.
    """
    found = load(name)
    for step in pointer.split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        try:
            found = found[int(step)] if isinstance(found, list) else found[step]
        except (KeyError, IndexError, ValueError, TypeError):
            raise KeyError(f"{name} has no {pointer}: nothing at '{step}'") from None
    return found


def spoken(value: Any) -> str:
    """Say a figure with its interval, a number, or a text.

    Examples
    --------
    >>> spoken({"value": 0.5718, "low": 0.5301, "high": 0.6104}).replace(_NO_BREAK, " ")
    '0.572 [0.530, 0.610]'
    """
    if isinstance(value, dict):
        text = f"{value['value']:.3f}"
        if value.get("low") is None:
            return text
        return f"{text} [{value['low']:.3f}, {value['high']:.3f}]".replace(" ", _NO_BREAK)
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def fill(markdown: str) -> str:
    """Replace every ``{{ ... }}`` of a page.

    Raises
    ------
    KeyError
        An unknown name, or a pointer to nothing.
    """
    return _MACRO.sub(lambda found: _MACROS[found[1]](found[2] or ""), markdown)


def _figure(words: str) -> str:
    return spoken(look_up(*words.split(" ", 1)))


def _recipes_measured(name: str) -> str:
    """Recipes of a results file, best first, each beside its difference from the baseline."""
    found = load(name)["recipes"]
    metric = "balanced_accuracy"
    order = sorted(found, key=lambda recipe: -found[recipe]["test"][metric]["value"])
    rows = []
    for recipe in order:
        against = found[recipe].get("against_erm", {}).get(metric)
        rows.append(
            (
                f"`{recipe}`",
                spoken(found[recipe]["test"][metric]),
                spoken(found[recipe]["test"]["auc"]),
                spoken(against["difference"]) if against else "the baseline",
                _verdict(against),
            )
        )
    return table(
        ("recipe", "balanced accuracy", "AUC", "balanced accuracy minus `erm`", "verdict"), rows
    )


def _benefits(name: str) -> str:
    """Synthesizers of a results file: AUC against no synthesis and against altered copies."""
    rows = []
    for family, found in load(name)["families"].items():
        if "benefit" not in found:
            rows.append((family, f"not run: {found['refused']}", "", ""))
            continue
        against = found["benefit"]["against"]
        cells = [against[other]["figures"]["auc"] for other in ("none", "augment")]
        rows.append(
            (
                family,
                spoken(cells[0]["difference"]),
                _verdict(cells[0]),
                spoken(cells[1]["difference"])
                if any(cells[1]["difference"].values())
                else "itself",
            )
        )
    return table(("synthesizer", "AUC minus `none`", "verdict", "AUC minus `augment`"), rows)


def _effects(name: str) -> str:
    """Effects of a suite's axes, in the order of its leaderboard."""
    (board,) = load(name)
    rows = [
        (
            f"`{effect['value']}`",
            f"`{effect['against']}`",
            spoken(effect["difference"]),
            f"{effect['p_holm']:.3f}",
            str(effect["pairs"]),
        )
        for effect in board["effects"]
    ]
    return table(
        ("with", "instead of", f"{title_of(board['metric'])} difference", "p (Holm)", "pairs"), rows
    )


def _verdict(comparison: dict[str, Any] | None) -> str:
    if comparison is None:
        return ""
    low, high = comparison["difference"]["low"], comparison["difference"]["high"]
    if low > 0 or high < 0:
        return "higher" if low > 0 else "lower"
    return f"none seen; detectable: {comparison['detectable']:.3f}"


def _recovered(key: str) -> str:
    """Show the rows of a published table whose confusion matrix could be found."""
    (published,) = [each for each in load_published() if each.source.key == key]
    rows = []
    for row in published.row:
        fits = published.recovered(row)
        if not fits or len(fits) != 1:
            continue
        figures = recovered_figures(fits[0])
        printed = next(f for f in row.printed if f.mark)
        rows.append(
            (
                row.method,
                f"{printed.text} {printed.unit}",
                str(row.false_negatives),
                *(_percent(figures[name].value) for name in ("npv", "sensitivity", "specificity")),
                _percent(figures["balanced_accuracy"].value),
            )
        )
    return table(
        (
            "method",
            'printed as "Sensitivity"',
            "missed melanomas",
            "NPV",
            "sensitivity",
            "specificity",
            "balanced accuracy",
        ),
        rows,
    )


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _caveats(key: str) -> str:
    """List what a reader must know of a published table."""
    tables: dict[str, PublishedTable] = {each.source.key: each for each in load_published()}
    return "\n".join(f"- {caveat}" for caveat in tables[key].source.caveats)


_MACROS: dict[str, Callable[[str], str]] = {
    "figure": _figure,
    "recipes_measured": _recipes_measured,
    "benefits": _benefits,
    "effects": _effects,
    "recovered": _recovered,
    "caveats": _caveats,
    "recipes": lambda _: recipe_table(),
}
