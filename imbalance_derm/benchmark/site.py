"""Writes leaderboards as a folder of pages that open from disk and load nothing."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader

from imbalance_derm.benchmark.leaderboard import Board
from imbalance_derm.benchmark.rank_plot import rank_plot
from imbalance_derm.benchmark.ranks import ranks
from imbalance_derm.benchmark.site_data import BoardData, embedded
from imbalance_derm.benchmark.site_parts import Part, default_text, parts_of
from imbalance_derm.errors import InputError
from imbalance_derm.experiment.files import write_text
from imbalance_derm.report import page

START = "index.html"
PARTS_FOLDER = "parts"
GENERATOR = "imbalance_derm leaderboard"


def write_site(boards: list[Board], folder: Path) -> Path:
    """Write the start page and a page for each component; reports of runs are linked, not copied.

    Links to reports are relative, so that the site and the runs can be moved together.

    Parameters
    ----------
    boards : list of Board
    folder : Path
        A site that lies there is replaced; other files stay.

    Returns
    -------
    Path
        The start page.

    Raises
    ------
    InputError
        The folder holds a start page that is not from here, or cannot be written.
    """
    start = folder / START
    parts = parts_of(boards)
    data = [BoardData(board, folder) for board in boards]
    pages = {part.key: f"{PARTS_FOLDER}/{part.file}" for part in parts}
    try:
        _clear(start)
        for part in parts:
            write_text(folder / pages[part.key], _part_page(part, pages, data))
        write_text(start, _start_page(boards, parts, pages, data))
    except OSError as error:
        reason = f"cannot write {folder}: {error.strerror}; choose another --output"
        raise InputError(reason) from error
    return start


def _clear(start: Path) -> None:
    """Remove the component pages of an older site, after a look at whose site it is."""
    if start.exists():
        if GENERATOR not in start.read_text(encoding="utf-8", errors="replace"):
            raise InputError(f"{start} is not a leaderboard; choose another --output")
        for old in (start.parent / PARTS_FOLDER).glob("*.html"):
            old.unlink()


def _start_page(
    boards: list[Board], parts: list[Part], pages: dict[str, str], data: list[BoardData]
) -> str:
    kinds: dict[str, list[Part]] = {}
    for part in parts:
        kinds.setdefault(part.kind, []).append(part)
    rows = [row for board in boards for row in board.rows if row.runs]
    counts = {"methods": len(rows), "runs": sum(len(row.runs) for row in rows)}
    views = [each.view() for each in data]
    found = ranks(boards)
    more = {**counts, "kinds": kinds, "ranks": None if found is None else rank_plot(found)}
    return _render("leaderboard.html.j2", views, pages, part=None, **more)


def _part_page(part: Part, pages: dict[str, str], data: list[BoardData]) -> str:
    views = [data[board].view(places, "../") for board, places in part.results.items()]
    linked = {key: f"../{file}" for key, file in pages.items()}
    return _render("part.html.j2", views, linked, part=part, default_text=default_text)


def _render(template: str, views: list[dict[str, Any]], pages: dict[str, str], **more: Any) -> str:
    used = {key for view in views for axis in view["axes"] for key in axis["parts"] if key}
    data = {"boards": views, "pages": {key: pages[key] for key in sorted(used) if key in pages}}
    found = _environment().get_template(template)
    return found.render(data=embedded(data), pages=pages, generator=GENERATOR, **more)


@cache
def _environment() -> Environment:
    packages = ("imbalance_derm.benchmark", "imbalance_derm.report")
    return page.environment().overlay(loader=ChoiceLoader([PackageLoader(p) for p in packages]))
