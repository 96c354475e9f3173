"""The page of an audit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import tomli_w

from imbalance_derm.report.curves import synthesizer_curves
from imbalance_derm.report.evidence import GalleryRow
from imbalance_derm.report.page import environment, gallery_view
from imbalance_derm.report.synthetic import SyntheticEvidence, view


@dataclass(frozen=True, eq=False)
class AuditPage:
    """What the page shows.

    Attributes
    ----------
    title, meta, command : str
    notice : str
        What stands beside every figure of this data set; may be empty.
    warnings : sequence of str
    evidence : SyntheticEvidence
    gallery : sequence of GalleryRow
    curves : dict
        Loss curves of the fit, by target class.
    spec : dict
    """

    title: str
    meta: str
    command: str
    notice: str
    warnings: Sequence[str]
    evidence: SyntheticEvidence
    gallery: Sequence[GalleryRow]
    curves: dict[str, Any]
    spec: dict[str, Any]


def render(page: AuditPage) -> str:
    """Return the page as HTML; every text in it is escaped, no resource lies outside it."""
    drawn = [(name, synthesizer_curves(curve)) for name, curve in page.curves.items()]
    return (
        environment()
        .get_template("audit.html.j2")
        .render(
            title=page.title,
            meta=page.meta,
            command=page.command,
            notice=page.notice,
            warnings=page.warnings,
            evidence=view(page.evidence),
            gallery=gallery_view(page.gallery),
            curves=[(name, uri) for name, uri in drawn if uri is not None],
            spec_toml=tomli_w.dumps(page.spec),
        )
    )
