"""What ``imbderm data inspect`` shows and writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from imbalance_derm.cli.data import MOST_SUSPECTS, PICTURES_PER_CLASS
from imbalance_derm.cli.outcome import show_path
from imbalance_derm.cli.verbosity import is_quiet
from imbalance_derm.data.contract import Dataset
from imbalance_derm.data.findings import NOTE, STOPS, WARNING, Finding
from imbalance_derm.data.inspection import Inspection
from imbalance_derm.report.data import (
    DataPage,
    Rows,
    Suspects,
    class_rows,
    render,
    site_rows,
    size_rows,
)
from imbalance_derm.report.evidence import GalleryRow
from imbalance_derm.report.page import write_page

_STYLES = {STOPS: "bold red", WARNING: "yellow", NOTE: "dim"}
_PICTURE = 192


def show(found: Inspection, lines: Sequence[Finding], page: Path | None) -> None:
    """Print the tables, a line for each finding, and where the page is; no tables if quiet."""
    console = Console(highlight=False)
    if not is_quiet():
        _print_tables(console, found)
    for line in lines:
        text = Text(f"{line.level}: ", style=_STYLES[line.level])
        text.append(f"{line.text}; next: {line.advice}", style="")
        console.print(text, soft_wrap=True)
    if not is_quiet():
        if not lines:
            console.print("Nothing stands in the way of a run.")
        if found.notice:
            console.print(Text(found.notice, style="yellow"))
    if page is not None:
        show_path("Page", page)


def _print_tables(console: Console, found: Inspection) -> None:
    title = f"{found.name}: {len(found.table):,} images, {len(found.usable):,} usable"
    heads, rows = class_rows(found)
    if found.imbalance:
        title += f", imbalance {found.imbalance:.3g}:1"
    _print(console, title, "class", heads, rows)
    _print(console, "Size", "side", ["smallest", "median", "largest"], size_rows(found))
    modes = [(mode, [f"{count:,}"]) for mode, count in found.modes.items()]
    _print(console, "Pixel modes", "mode", ["images"], modes)
    _print(console, "Body sites", "site", *site_rows(found))


def write(
    path: Path, dataset: Dataset, found: Inspection, lines: Sequence[Finding], command: str
) -> None:
    """Write the page with a contact sheet and the suspicious pairs."""
    gallery = []
    usable = found.usable
    for name in found.classes.index:
        sources = usable.loc[usable["label"] == name, "source"].tolist()
        picks = np.linspace(0, len(sources) - 1, min(PICTURES_PER_CLASS, len(sources)))
        images = tuple(_picture(dataset, sources[round(place)]) for place in picks)
        gallery.append(GalleryRow(f"{name} ({len(sources):,})", images))
    page = DataPage(found, lines, gallery, _suspects(dataset, found), command)
    write_page(path, render(page))


def _suspects(dataset: Dataset, found: Inspection) -> list[Suspects]:
    """Return the pairs worth a look, the gravest first."""
    equal = [
        (_torn(found, rows), what)
        for groups, what in ((found.same_file, "equal bytes"), (found.same_pixels, "equal pixels"))
        for rows in groups
    ]
    alike = [((pair.first, pair.second), f"alike, {pair.similarity:.3f}") for pair in found.near]
    crossing = set(found.across_splits)

    def grave(entry: tuple[tuple[int, int], str]) -> tuple[bool, bool, bool]:
        pair = entry[0]
        labels, lesions = (len(found.values(pair, c)) < 2 for c in ("label", "lesion"))
        return labels, pair not in crossing, lesions

    suspects = []
    for pair, what in sorted([*equal, *alike], key=grave)[:MOST_SUSPECTS]:
        rows = found.table.iloc[list(pair)]
        names = " and ".join(
            f"{row['image']} ({', '.join(str(row[c]) for c in ('label', 'split') if row[c])})"
            for _, row in rows.iterrows()
        )
        lesion = "one lesion" if rows["lesion"].nunique() == 1 else "two lesion ids"
        images = tuple(_picture(dataset, source) for source in rows["source"])
        suspects.append(Suspects(f"{names}: {what}, {lesion}", images))
    return suspects


def _torn(found: Inspection, rows: list[int]) -> tuple[int, int]:
    """Return two rows of a group of equal images, of two labels if it has them."""
    labels = found.table["label"]
    return rows[0], next((r for r in rows if labels[r] != labels[rows[0]]), rows[1])


def _picture(dataset: Dataset, source: str) -> np.ndarray:
    return np.asarray(dataset.read(source, at_least=_PICTURE))


def _print(console: Console, title: str, first: str, heads: list[str], rows: Rows) -> None:
    if not rows:
        return
    # A title of the table's own would wrap at the table's width.
    console.print(Text(title, style="italic"), soft_wrap=True)
    table = Table()
    table.add_column(Text(first))
    for head in heads:
        table.add_column(Text(head), justify="right")
    for name, cells in rows:
        table.add_row(Text(name), *cells)
    console.print(table)
