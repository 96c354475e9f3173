"""What all pages share: how templates are rendered, galleries shown and files written."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from imbalance_derm.errors import RunError
from imbalance_derm.experiment.files import write_text
from imbalance_derm.report.evidence import GalleryRow
from imbalance_derm.report.photographs import photograph
from imbalance_derm.report.wording import duration, linked


@cache
def environment() -> Environment:
    """Return the templates' environment; every text in them is escaped."""
    found = Environment(
        loader=PackageLoader("imbalance_derm.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {"linked": linked, "duration": duration}
    return found


def gallery_view(rows: Sequence[GalleryRow]) -> list[dict[str, Any]]:
    """Return what the template of a gallery needs."""
    return [
        {
            "name": row.name,
            "real": [photograph(image) for image in row.real],
            "pairs": [
                (None if source is None else photograph(source), photograph(image))
                for source, image in row.pairs
            ],
            "has_sources": any(source is not None for source, _ in row.pairs),
        }
        for row in rows
    ]


def write_page(path: Path, page: str) -> None:
    """Write `page` to `path`, whole or not at all.

    Raises
    ------
    RunError
        The file cannot be written.
    """
    try:
        write_text(path, page)
    except OSError as error:
        reason = f"cannot write {path}: {error.strerror}; free space or choose another --out"
        raise RunError(reason) from error
