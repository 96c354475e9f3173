"""Which axis of a grid matters: each value against another, averaged over all else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from imbalance_derm.benchmark.cells import method_settings
from imbalance_derm.benchmark.rows import PARTS, Row
from imbalance_derm.evaluation.best_set import p_value
from imbalance_derm.evaluation.holm import holm
from imbalance_derm.evaluation.seed_comparison import SeedComparison
from imbalance_derm.experiment.spec import Spec

_LEAST_PAIRS = 2
_LEAST_SHARE = 0.5
"""Of the rows with a value, those with a partner: below, a grid is not nearly crossed."""

Settings = Callable[[Row, str], tuple[str, object]]
"""From a row and an axis, its value there and what it has beside that axis."""


@dataclass(frozen=True)
class Plan:
    """One value of an axis against another, over rows that differ in this axis alone.

    Attributes
    ----------
    axis, value, against : str
    pairs : tuple of (Row, Row)
        With `value`, and with `against`.
    unpaired : int
        Rows with `value` that have no partner: they are left out.
    """

    axis: str
    value: str
    against: str
    pairs: tuple[tuple[Row, Row], ...]
    unpaired: int

    @property
    def name(self) -> str:
        """Tells plans apart."""
        return f"effect {self.axis}={self.value} - {self.against}"

    @property
    def weights(self) -> dict[str, float]:
        """The contrast, by key of the rows: the mean over the pairs."""
        share = 1 / len(self.pairs)
        return {
            row.key: w for pair in self.pairs for row, w in zip(pair, (share, -share), strict=True)
        }


@dataclass(frozen=True)
class Effect:
    """What a value of an axis changes, averaged over what it was combined with.

    Attributes
    ----------
    axis, value, against : str
    metric : str
    comparison : SeedComparison
        Mean of `value` minus `against` over the pairs.
    p_value, adjusted : float
        Two-sided, that it is zero, before and after Holm's adjustment over all effects.
    detectable : float or None
        The smallest true effect that would have been found with a chance of 80 % although so many
        are tested; that of `comparison` is of a single test. None where there is no comparison.
    pairs, unpaired : int
    smallest, largest : float
        Of the pairs' own differences: where their signs differ the mean hides an interaction.
    other_budget : bool
        Whether the two of a pair had different numbers of updates.
    """

    axis: str
    value: str
    against: str
    metric: str
    comparison: SeedComparison
    p_value: float
    adjusted: float
    detectable: float | None
    pairs: int
    unpaired: int
    smallest: float
    largest: float
    other_budget: bool


def plans(rows: Sequence[Row], axes: Mapping[str, Sequence[str]]) -> list[Plan]:
    """Return what can be compared in the grid that the rows make.

    Parameters
    ----------
    rows : sequence of Row
        Measured on the same images with the same seeds.
    axes : mapping of str to sequence of str
        By suite, in its order. Parts are the axes where the rows are not all of one suite: two
        may mean different things by one value.
    """
    suites = {row.suite for row in rows}
    own = axes.get(next(iter(suites)), ()) if len(suites) == 1 else ()
    suited = bool(own) and all(axis in row.axes for row in rows for axis in own)
    names, settings = (own, _in_suite) if suited else (PARTS, _by_part)
    return [plan for axis in names for plan in _of_axis(rows, axis, settings)]


def _in_suite(row: Row, axis: str) -> tuple[str, object]:
    return row.axes[axis], tuple(sorted((a, v) for a, v in row.axes.items() if a != axis))


def _by_part(row: Row, axis: str) -> tuple[str, object]:
    beside = (
        (key, repr(value))
        for key, value in method_settings(row.spec).items()
        if key != axis and not key.startswith(f"{axis}.")
    )
    return row.parts.get(axis, ""), tuple(sorted(beside))


def _of_axis(rows: Sequence[Row], axis: str, settings: Settings) -> Iterator[Plan]:
    cells: dict[str, dict[object, list[Row]]] = {}
    for row in rows:
        value, beside = settings(row, axis)
        cells.setdefault(value, {}).setdefault(beside, []).append(row)
    if len(cells) < 2:
        return
    default = getattr(Spec.model_fields.get(axis), "default", None)
    neutral = getattr(default, "name", "")
    against = neutral if neutral in cells else next(iter(cells))
    theirs = cells[against]
    for value, ours in cells.items():
        if value == against:
            continue
        # Two rows that are alike in all else are not one choice: neither is a partner.
        pairs = tuple(
            (ours[beside][0], theirs[beside][0])
            for beside in ours
            if len(ours[beside]) == 1 == len(theirs.get(beside, ()))
        )
        having = sum(map(len, ours.values()))
        if len(pairs) >= max(_LEAST_PAIRS, _LEAST_SHARE * having):
            yield Plan(axis, value, against, pairs, having - len(pairs))


def effects(
    planned: Sequence[Plan], found: Mapping[str, SeedComparison], metric: str
) -> tuple[Effect, ...]:
    """Return the effects that were planned, which are one family of tests."""
    tested = [p_value(found[plan.name]) for plan in planned]
    tested = [1.0 if np.isnan(p) else p for p in tested]
    made = []
    for plan, p, adjusted in zip(planned, tested, holm(tested), strict=True):
        apart = [a.metrics[metric].value - b.metrics[metric].value for a, b in plan.pairs]
        made.append(
            Effect(
                axis=plan.axis,
                value=plan.value,
                against=plan.against,
                metric=metric,
                comparison=found[plan.name],
                p_value=p,
                adjusted=float(adjusted),
                detectable=found[plan.name].detectable_in_family(len(planned)),
                pairs=len(plan.pairs),
                unpaired=plan.unpaired,
                smallest=min(apart),
                largest=max(apart),
                other_budget=any(a.updates != b.updates for a, b in plan.pairs),
            )
        )
    return tuple(made)
