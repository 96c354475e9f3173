"""The effect of one choice, averaged over all that it was combined with in a grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from imbalance_derm.errors import InputError
from imbalance_derm.evaluation.intervals import RESAMPLES
from imbalance_derm.evaluation.over_seeds import Method, SeedComparison, contrasts_over_seeds


@dataclass(frozen=True, eq=False)
class Cell:
    """One method of a grid.

    Attributes
    ----------
    settings : mapping of str to str
        Value by axis, such as ``{"loss": "focal", "sampler": "none"}``.
    method : Method
        Predictions by seed, and their decisions.
    """

    settings: Mapping[str, str]
    method: Method


@dataclass(frozen=True, slots=True)
class AxisEffect:
    """One value of an axis against another.

    Attributes
    ----------
    mean : SeedComparison
        Mean over the pairs of cells that differ in this axis alone.
    by_pair : dict of str to SeedComparison
        Each pair by what its cells share. Where they disagree the mean hides an interaction.
    unpaired : tuple of str
        What the cells have, beside this axis, that have one of the values and lack their
        partner: they are left out.
    """

    mean: SeedComparison
    by_pair: dict[str, SeedComparison]
    unpaired: tuple[str, ...]


def axis_effect(
    cells: Sequence[Cell],
    axis: str,
    value: str,
    against: str,
    metric: str,
    resamples: int = RESAMPLES,
    seed: int = 0,
    means: Mapping[str, Sequence[str]] = {},
) -> AxisEffect:
    """Return the mean difference between the cells with `value` and those with `against`.

    Parameters
    ----------
    cells : sequence of Cell
        Of the same axes, all trained with the same seeds and tested on the same images. Cells
        with other values of the axis may be among them.
    axis, value, against : str
        Such as "loss", "focal" and "ce".
    metric : str
    resamples, seed, means
        Of the bootstrap, as in
        :func:`imbalance_derm.evaluation.over_seeds.paired_over_seeds`.

    Raises
    ------
    InputError
        The cells differ in their axes, the axis is unknown, the values are equal, two cells have
        the same settings, no cell has a partner, the metric is unknown, or the cells have
        different seeds or images.
    RunError
        There is no image, or a probability is not finite.

    Notes
    -----
    Lesions and seeds are drawn once for all cells, by the same hierarchical bootstrap: cells are
    not independent evidence, as they share their test lesions, and the interval is not narrowed
    as if they were. The other axes' values are taken as they are in the grid, each pair counting
    the same: the effect is that on these, not on values that were not tried.

    Examples
    --------
    >>> import numpy as np
    >>> from imbalance_derm.evaluation.decision import ARGMAX
    >>> from imbalance_derm.evaluation.predictions import Predictions
    >>> ids, labels = np.arange(8).astype(str), np.arange(8) % 2
    >>> right, even = np.eye(2)[labels], np.full((8, 2), 0.5)
    >>> def cell(loss, head, p):
    ...     said = Predictions(ids, ids, labels, p, ("benign", "malignant"))
    ...     return Cell({"loss": loss, "head": head}, ([said], [ARGMAX]))
    >>> cells = [cell("focal", "linear", right), cell("ce", "linear", even)]
    >>> cells += [cell("focal", "cosine", even), cell("ce", "cosine", even)]
    >>> found = axis_effect(cells, "loss", "focal", "ce", "auc", resamples=200)
    >>> found.mean.difference.value
    0.25
    >>> {name: pair.difference.value for name, pair in found.by_pair.items()}
    {'head=linear': 0.5, 'head=cosine': 0.0}
    """
    ours, theirs = (_others(cells, axis, each) for each in (value, against))
    if value == against:
        raise InputError(f"'{value}' cannot be compared with itself; give two values of {axis}")
    shared = [rest for rest in ours if rest in theirs]
    if not shared:
        raise InputError(
            f"no cell with {axis}={value} has a partner with {axis}={against} that is alike in "
            "all else; run one"
        )
    methods: dict[str, Method] = {}
    pairs: dict[str, dict[str, float]] = {}
    for rest in shared:
        methods[f"{value}, {rest}"] = ours[rest]
        methods[f"{against}, {rest}"] = theirs[rest]
        pairs[f"pair {rest}"] = {f"{value}, {rest}": 1.0, f"{against}, {rest}": -1.0}
    weights = {name: w / len(shared) for pair in pairs.values() for name, w in pair.items()}
    found = contrasts_over_seeds(
        methods, {"mean": weights, **pairs}, [metric], resamples, seed, means
    )
    return AxisEffect(
        found["mean"][metric],
        {rest: found[f"pair {rest}"][metric] for rest in shared},
        tuple(sorted(ours.keys() ^ theirs.keys())),
    )


def _others(cells: Sequence[Cell], axis: str, value: str) -> dict[str, Method]:
    """Return the methods that have this value, by their settings on the other axes."""
    found: dict[str, Method] = {}
    for cell in cells:
        if cell.settings.keys() != cells[0].settings.keys():
            raise InputError(
                f"a grid's cells have the same axes, not {', '.join(cells[0].settings)} and "
                f"{', '.join(cell.settings)}; name every axis in each"
            )
        if axis not in cell.settings:
            raise InputError(f"unknown axis '{axis}'; the grid has {', '.join(cell.settings)}")
        if cell.settings[axis] != value:
            continue
        rest = ", ".join(
            f"{name}={at}" for name, at in sorted(cell.settings.items()) if name != axis
        )
        if rest in found:
            raise InputError(f"two cells have {axis}={value}, {rest}; give each once")
        found[rest] = cell.method
    return found
