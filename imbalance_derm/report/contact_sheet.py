"""One picture with real and synthetic images of each class, to look at before anything else."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from imbalance_derm.report.evidence import GalleryRow

_TILE, _GAP, _CAPTION = 128, 6, 22
_INK, _PAPER = "#1d1c1a", "#ffffff"


def contact_sheet(rows: Sequence[GalleryRow]) -> bytes:
    r"""Return a PNG: for each class a strip of real images, then of sources and what they became.

    Parameters
    ----------
    rows : sequence of GalleryRow
        Tiles are scaled to 128 pixels.

    Examples
    --------
    >>> row = GalleryRow("melanoma", (np.zeros((16, 16, 3), np.uint8),))
    >>> contact_sheet([row])[:4]
    b'\x89PNG'
    """
    strips: list[tuple[str, list[np.ndarray]]] = []
    for row in rows:
        strips.append((f"{row.name}: real", list(row.real)))
        sources = [source for source, _ in row.pairs if source is not None]
        if row.pairs and len(sources) == len(row.pairs):
            strips.append((f"{row.name}: sources of the next strip", sources))
        if row.pairs:
            strips.append((f"{row.name}: synthetic", [made for _, made in row.pairs]))
    widest = max(len(images) for _, images in strips)
    step = _TILE + _GAP
    size = (widest * step + _GAP, len(strips) * (step + _CAPTION) + _GAP)
    sheet = Image.new("RGB", size, _PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for line, (caption, images) in enumerate(strips):
        top = _GAP + line * (step + _CAPTION)
        draw.text((_GAP, top), caption, fill=_INK, font=font)
        for column, image in enumerate(images):
            tile = Image.fromarray(np.ascontiguousarray(image)).resize((_TILE, _TILE))
            sheet.paste(tile, (_GAP + column * step, top + _CAPTION))
    buffer = io.BytesIO()
    sheet.save(buffer, format="PNG")
    return buffer.getvalue()
