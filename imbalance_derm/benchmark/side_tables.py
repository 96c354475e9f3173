"""The tables beside a ranking: effects of axes, and methods over re-drawn splits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from imbalance_derm.benchmark.effects import Effect
from imbalance_derm.benchmark.leaderboard import Board
from imbalance_derm.benchmark.splits import OverSplits, SplitContrast
from imbalance_derm.report.summary import signed_text, title_of


@dataclass(frozen=True)
class SideTable:
    """A table of text, which every format lays out in its own way.

    Attributes
    ----------
    name : str
        In one word.
    title : str
    heads : tuple of str
    rows : tuple of tuple of str
    lines : tuple of str
        Each row as words, for where a table is too wide.
    left : int
        So many columns are words, the others figures.
    """

    name: str
    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[str, ...]
    left: int


def side_tables(board: Board) -> Iterator[SideTable]:
    """Yield the tables that a board has."""
    if board.effects:
        rows = [_effect(effect) for effect in board.effects]
        yield SideTable(
            name="effects",
            title=effects_title(board),
            heads=(
                "axis",
                "value",
                "against",
                "difference",
                "p (Holm)",
                "would have been seen",
                "pairs",
                "pair by pair",
            ),
            rows=tuple(rows),
            lines=tuple(
                f"{axis}: {value} minus {against} {difference}, p (Holm) {p}, {detectable} would "
                f"have been seen, {pairs} pairs from {span}"
                for axis, value, against, difference, p, detectable, pairs, span in rows
            ),
            left=3,
        )
    if board.splits is not None:
        cells = [_contrast(contrast) for contrast in board.splits.methods]
        yield SideTable(
            name="splits",
            title=splits_title(board.splits),
            heads=("method", "difference", "p (Holm)", "splits", "would have been seen"),
            rows=tuple(cells),
            lines=tuple(
                f"{method} {difference} on {splits} splits, p (Holm) {p}, {detectable} would have "
                "been seen"
                for method, difference, p, splits, detectable in cells
            ),
            left=1,
        )


def effects_title(board: Board) -> str:
    """Return what the table of effects is, and how many training seeds are behind it."""
    title = (
        f"Effect of each axis on {title_of(board.metric)}, averaged over what it was combined with"
    )
    seeds = {effect.comparison.seeds for effect in board.effects}
    if not seeds:
        return title
    if seeds == {1}:
        return f"{title} (1 training seed: p is of these trained models, not of the method)"
    return f"{title} ({max(seeds)} training seeds)"


def splits_title(found: OverSplits) -> str:
    """Return what the table of methods over re-drawn splits is, and by which test."""
    return (
        f"{title_of(found.metric)} minus that of the baseline, {found.baseline}, over re-drawn "
        "splits (corrected t of Nadeau and Bengio, as the splits share training images)"
    )


def _effect(effect: Effect) -> tuple[str, ...]:
    pairs = str(effect.pairs) + (f" (and {effect.unpaired} unpaired)" if effect.unpaired else "")
    return (
        effect.axis,
        effect.value,
        effect.against,
        signed_text(effect.comparison.difference)
        + (" other budget" if effect.other_budget else ""),
        _probability(effect.adjusted),
        _detectable(effect.detectable),
        pairs,
        f"{effect.smallest:+.3f} to {effect.largest:+.3f}",
    )


def _contrast(contrast: SplitContrast) -> tuple[str, ...]:
    return (
        contrast.method,
        signed_text(contrast.compared.difference),
        _probability(contrast.adjusted),
        str(contrast.splits),
        _detectable(contrast.detectable),
    )


def _probability(p: float) -> str:
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def _detectable(least: float | None) -> str:
    """Return what would have been seen: none where only what no two methods differ by."""
    return "none" if least is None or least > 1 else f"{least:.3f}"
