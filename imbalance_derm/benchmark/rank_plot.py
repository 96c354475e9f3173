"""The diagram of average ranks over data sets, with bars over what cannot be told apart."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup, escape

from imbalance_derm.evaluation.critical_difference import CriticalDifference

_WIDTH, _LABELS, _MARGIN = 760, 300, 30
_ROW, _BAR = 24, 12


def rank_plot(found: CriticalDifference) -> Markup:
    """Return a critical difference diagram as SVG, in the colours of the page around it.

    Each method is a row with a dot at its average rank, best first; a bar below joins methods
    whose ranks differ by less than the critical difference, whose length is drawn on top.

    References
    ----------
    Demsar 2006, "Statistical Comparisons of Classifiers over Multiple Data Sets", JMLR 7:1.
    """
    ranks = found.average_ranks
    top = 2 * _ROW + len(ranks) * _ROW
    height = top + _BAR * (len(found.groups) + 1)
    said = ", ".join(f"{method} {rank:.2f}" for method, rank in ranks.items())
    return Markup(
        '<svg class="ranks" viewBox="0 0 {0} {1}" width="{0}" height="{1}" role="img" '
        'aria-label="Average ranks: {2}" style="max-width:100%;height:auto" '
        'fill="currentColor" stroke="none" font-size="13">{3}</svg>'
    ).format(_WIDTH, height, said, Markup("").join(_marks(found, top)))


def _marks(found: CriticalDifference, top: int) -> Iterator[Markup]:
    most = len(found.average_ranks)

    def x(rank: float) -> float:
        return _LABELS + (rank - 1) / max(1, most - 1) * (_WIDTH - _LABELS - _MARGIN)

    length = x(1 + min(found.critical_difference, most - 1)) - x(1)
    yield _line(x(1), x(1) + length, 10, 3)
    yield _text(x(1) + length + 6, 14, f"critical difference {found.critical_difference:.2f}")
    for place in range(1, most + 1):
        yield _text(x(place) - 4, _ROW + 10, str(place))
    for row, (method, rank) in enumerate(found.average_ranks.items()):
        y = 2 * _ROW + row * _ROW
        yield _line(_LABELS, _WIDTH - _MARGIN, y, 0.3)
        yield _text(0, y + 4, f"{method[:44]}{'…' if len(method) > 44 else ''}")
        yield Markup('<circle cx="{:.1f}" cy="{}" r="5"/>').format(x(rank), y)
        yield _text(x(rank) + 8, y - 4, f"{rank:.2f}")
    for number, group in enumerate(found.groups):
        ends = [found.average_ranks[method] for method in group]
        yield _line(x(min(ends)) - 5, x(max(ends)) + 5, top + _BAR * number, 4)


def _line(left: float, right: float, y: float, width: float) -> Markup:
    return Markup(
        '<line x1="{:.1f}" x2="{:.1f}" y1="{}" y2="{}" stroke="currentColor" stroke-width="{}"/>'
    ).format(left, right, y, y, width)


def _text(x: float, y: float, text: str) -> Markup:
    return Markup('<text x="{:.1f}" y="{}">{}</text>').format(x, y, escape(text))
