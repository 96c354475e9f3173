"""Charts of what happened during training; each returns an SVG data URI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from imbalance_derm.report.style import MUTED, SERIES, chart, panels, svg_uri
from imbalance_derm.report.summary import title_of


def classifier_curves(points: Sequence[Mapping[str, Any]], best_update: int | None = None) -> str:
    """Draw training loss and validation figures against optimiser updates.

    Parameters
    ----------
    points : sequence of ``{"update", "loss", "validation": {NAME: value}}``
        ``loss`` and ``validation`` may be missing anywhere.
    best_update : int, optional
        Where the kept checkpoint was taken.
    """
    losses = [(p["update"], p["loss"]) for p in points if p.get("loss") is not None]
    looks: dict[str, list[tuple[float, float]]] = {}
    for point in points:
        for name, value in (point.get("validation") or {}).items():
            if value is not None:
                looks.setdefault(name, []).append((point["update"], value))
    with chart(height=2.1 * (1 + bool(looks))) as figure:
        axes = panels(figure, 1 + bool(looks))
        axes[0].set_ylabel("training loss")
        _line(axes[0], losses, SERIES[0])
        for colour, (name, values) in zip(SERIES[1:], looks.items(), strict=False):
            _line(axes[1], values, colour, title_of(name), marker="o")
        if looks:
            axes[1].set_ylabel("on validation")
            axes[1].legend(loc="lower right")
        if best_update is not None:
            for panel in axes:
                panel.axvline(best_update, color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)))
        axes[-1].set_xlabel("optimiser updates")
        axes[-1].xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
        return svg_uri(figure)


Curve = Mapping[str, Sequence[float | None]] | Sequence[Mapping[str, float | None]]
"""Losses over steps, as lists by name or as one dict a step."""


def series_of(curve: Curve) -> dict[str, list[float]]:
    """Return a curve as lists by name; missing values are nan, a series without any is left out.

    Examples
    --------
    >>> series_of([{"step": 1, "cycle": 0.5}, {"step": 2, "cycle": 0.4}])
    {'step': [1.0, 2.0], 'cycle': [0.5, 0.4]}
    """
    if isinstance(curve, Mapping):
        columns = {name: list(values) for name, values in curve.items()}
    else:
        names = dict.fromkeys(name for point in curve for name in point)
        columns = {name: [point.get(name) for point in curve] for name in names}
    series = {
        name: [np.nan if value is None else float(value) for value in values]
        for name, values in columns.items()
    }
    return {name: values for name, values in series.items() if np.isfinite(values).any()}


def synthesizer_curves(curve: Curve) -> str | None:
    """Draw each loss of a synthesizer in a panel of its own, against its steps.

    Parameters
    ----------
    curve : dict of str to sequence, or sequence of dict
        ``step`` is the abscissa; without it values are counted. Every other entry is a loss.

    Returns
    -------
    str or None
        None where there is nothing to draw.
    """
    losses = series_of(curve)
    steps = losses.pop("step", None)
    if not losses:
        return None
    columns = min(2, len(losses))
    rows = -(-len(losses) // columns)
    with chart(height=0.4 + 1.5 * rows) as figure:
        axes = panels(figure, rows, columns)
        for place, (name, values) in enumerate(losses.items()):
            known = steps if steps is not None and len(steps) == len(values) else None
            at = range(1, len(values) + 1) if known is None else known
            _line(axes[place], list(zip(at, values, strict=True)), SERIES[place % len(SERIES)])
            axes[place].set_title(name.replace("_", " "))
            axes[place].set_ylim(bottom=min(0.0, float(np.nanmin(values))))
        for panel in axes[len(losses) :]:
            panel.set_visible(False)
        for panel in axes[max(0, len(losses) - columns) : len(losses)]:
            panel.set_xlabel("steps")
            panel.tick_params(labelbottom=True)
            panel.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=4))
        return svg_uri(figure)


def _line(
    axes: Axes,
    points: Sequence[tuple[float, float]],
    colour: str,
    label: str | None = None,
    marker: str | None = None,
) -> None:
    x, y = zip(*points, strict=True) if points else ((), ())
    one = marker or ("o" if len(points) == 1 else None)
    axes.plot(x, y, color=colour, label=label, marker=one, markersize=3)


def severity_curves(clean: float, curves: Mapping[str, Sequence[float]], metric: str) -> str:
    """Draw a figure against the severity of each corruption; severity 0 is the clean image."""
    with chart(height=2.8) as figure:
        (axes,) = panels(figure)
        for colour, (name, values) in zip(SERIES, curves.items(), strict=False):
            points = list(enumerate([clean, *values]))
            _line(axes, points, colour, name, marker="o")
        axes.set_xlabel("severity")
        axes.set_ylabel(metric)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(loc="best")
        return svg_uri(figure)
