"""How every chart looks, and how it becomes part of a page that needs no network."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Chart

INK, MUTED, RULE = "#1d1c1a", "#6d6a64", "#d9d5cc"
SERIES = (
    "#1f6f8b",
    "#c4513a",
    "#5f8a3c",
    "#a9781b",
    "#7b5aa6",
    "#bf5b8d",
    "#4d6fb3",
    "#8a6a55",
)
"""Colours of classes, told apart by readers with any colour vision in most pairs."""

_DARK = {
    INK: "#ece9e3",
    MUTED: "#a5a19a",
    RULE: "#3b3a37",
    "#1f6f8b": "#5db3d0",
    "#c4513a": "#ef8a72",
    "#5f8a3c": "#9cc474",
    "#a9781b": "#dcae52",
    "#7b5aa6": "#b79be0",
    "#bf5b8d": "#ea93bf",
    "#4d6fb3": "#8eaaf0",
    "#8a6a55": "#c4a38c",
}
_FONT = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"

_RC: Any = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.linewidth": 0.7,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 9,
    "figure.facecolor": "none",
    "font.size": 9,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "lines.linewidth": 1.5,
    "savefig.facecolor": "none",
    "savefig.transparent": True,
    "svg.fonttype": "none",
    "svg.hashsalt": "imbalance_derm",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 8,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 8,
}


@contextmanager
def chart(width: float = 4.6, height: float = 3.4) -> Iterator[Chart]:
    """Yield an empty chart of a size in inches, in the house style.

    No global state of matplotlib is touched once the chart is finished, and no window opened.
    """
    with mpl.rc_context(_RC):
        figure = Chart(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        yield figure


def panels(
    figure: Chart, rows: int = 1, columns: int = 1, heights: Sequence[float] | None = None
) -> list[Axes]:
    """Return the axes of a grid of panels with one abscissa, row by row."""
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, height_ratios=heights)
    return list(grid.flat)


def svg_uri(figure: Chart) -> str:
    """Return the chart as a data URI of an SVG that follows the reader's light or dark scheme.

    Colours of :data:`SERIES`, ink and rules turn into variables; text stays text.
    """
    buffer = io.BytesIO()
    with mpl.rc_context(_RC):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue().decode("utf-8")
    text = text[text.index("<svg") :]
    names = {colour: f"--c{place}" for place, colour in enumerate(_DARK)}
    for colour, name in names.items():
        text = text.replace(colour, f"var({name})")
    text = re.sub(r"font: ((?:\w+ )*[\d.]+px) [^;\"]*", rf"font: \1 {_FONT}", text)
    light = ";".join(f"{name}:{colour}" for colour, name in names.items())
    dark = ";".join(f"{name}:{_DARK[colour]}" for colour, name in names.items())
    scheme = f"svg{{{light}}}@media(prefers-color-scheme:dark){{svg{{{dark}}}}}"
    start = text.index(">") + 1
    text = f"{text[:start]}<style>{scheme}</style>{text[start:]}"
    return data_uri("image/svg+xml", text.encode("utf-8"))


def data_uri(kind: str, content: bytes) -> str:
    """Return `content` as a data URI of a MIME type."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
