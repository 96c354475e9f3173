"""The page of an inspected data set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from imbalance_derm.data.findings import Finding
from imbalance_derm.data.inspection import Inspection
from imbalance_derm.report.evidence import GalleryRow
from imbalance_derm.report.page import environment, gallery_view
from imbalance_derm.report.photographs import photograph

Rows = list[tuple[str, list[str]]]


@dataclass(frozen=True, eq=False)
class Suspects:
    """Two images that are equal or look alike.

    Attributes
    ----------
    caption : str
    images : tuple of ndarray, each uint8 (height, width, 3)
    """

    caption: str
    images: tuple[np.ndarray, ...]


@dataclass(frozen=True, eq=False)
class DataPage:
    """What the page shows.

    Attributes
    ----------
    found : Inspection
    findings : sequence of Finding
    gallery : sequence of GalleryRow
        The contact sheet: a few images of each class.
    suspects : sequence of Suspects
    command : str
    """

    found: Inspection
    findings: Sequence[Finding]
    gallery: Sequence[GalleryRow]
    suspects: Sequence[Suspects]
    command: str


def class_rows(found: Inspection) -> tuple[list[str], Rows]:
    """Return heads and rows of the table of classes by split."""
    counts = found.classes
    total = counts.sum(axis=1)
    everything = int(total.sum())
    rows = [
        (
            str(name),
            [f"{n:,}" for n in (*counts.loc[name], total[name])]
            + [f"{total[name] / everything:.1%}"],
        )
        for name in counts.index
    ]
    if rows:
        rows.append(("all", [f"{n:,}" for n in (*counts.sum(), everything)] + ["100.0%"]))
    return [*map(str, counts.columns), "images", "share"], rows


def size_rows(found: Inspection) -> Rows:
    """Return the smallest, median and largest width and height."""
    return [(f"{side}, px", [f"{v:g}" for v in values]) for side, values in found.sizes.items()]


def site_rows(found: Inspection) -> tuple[list[str], Rows]:
    """Return heads and rows of the table of sites by class; nothing where no site is known."""
    counts = found.sites
    if counts is None:
        return [], []
    rows = [(str(site), [f"{n:,}" for n in counts.loc[site]]) for site in counts.index]
    return [str(name) for name in counts.columns], rows


def render(page: DataPage) -> str:
    """Return the page as HTML; every text in it is escaped, no resource lies outside it."""
    found = page.found
    faulty = found.table[found.table["fault"] != ""]
    return (
        environment()
        .get_template("data.html.j2")
        .render(
            title=found.name,
            meta=f"{len(found.table):,} images, {len(found.usable):,} usable",
            notice=found.notice,
            findings=page.findings,
            classes=class_rows(found),
            imbalance=found.imbalance,
            sizes=size_rows(found),
            modes=[(mode, [f"{count:,}"]) for mode, count in found.modes.items()],
            sites=site_rows(found),
            broken=list(zip(faulty["source"], faulty["fault"], strict=True)),
            gallery=gallery_view(page.gallery),
            suspects=[
                (s.caption, [photograph(image) for image in s.images]) for s in page.suspects
            ],
            command=page.command,
        )
    )
