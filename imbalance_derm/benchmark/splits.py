"""Methods over re-drawn splits of a data set, of which one test set says nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from imbalance_derm.benchmark.cells import method_key
from imbalance_derm.benchmark.choice import baseline_of, plain_parts
from imbalance_derm.benchmark.ranks import Ranking
from imbalance_derm.benchmark.rows import Row
from imbalance_derm.evaluation.holm import holm
from imbalance_derm.evaluation.resampled_t import ResampledT, resampled_t
from imbalance_derm.evaluation.seed_comparison import detectable_in_family

LEAST = 3
"""Splits below which their spread is not known."""
_SEED = "split_seed"

BySplit = Mapping[int, Row]
"""The rows of a method by the seed of the split."""


@dataclass(frozen=True)
class SplitContrast:
    """One method minus the baseline over the splits that both were trained and tested on.

    Attributes
    ----------
    method : str
    splits : int
    compared : ResampledT
    adjusted : float
        Two-sided p-value by Holm, over the methods.
    detectable : float
        The smallest true difference that would have been found with a chance of 80 % although so
        many methods are compared; that of `compared` is of a single test.
    """

    method: str
    splits: int
    compared: ResampledT
    adjusted: float
    detectable: float


@dataclass(frozen=True)
class OverSplits:
    """The methods of a data set over its re-drawn splits.

    Attributes
    ----------
    metric, baseline : str
        What is compared, and the method that the others are compared with.
    methods : tuple of SplitContrast
        The largest difference first.
    """

    metric: str
    baseline: str
    methods: tuple[SplitContrast, ...]


def over_splits(boards: Sequence[Ranking]) -> OverSplits | None:
    """Compare the methods of a data set with the baseline over re-drawn splits.

    A method is the same where its settings are, the seed of the split aside. Its figure on a
    split is that of its row, the mean over the training seeds. Leaky rows are left out, and so
    is a method that has one test set on two splits, as where the test images are given.

    Parameters
    ----------
    boards : sequence of Ranking
        Of one data set; each test set has a ranking of its own.

    Returns
    -------
    OverSplits or None
        None where no method and the baseline share three splits or more.
    """
    metric = boards[0].metric
    methods = _methods(boards, metric)
    rows = [_first(method) for method in methods]
    plain = baseline_of(rows, rows[0], plain_parts(rows)) if rows else None
    baseline = next((method for method in methods if _first(method) is plain), {})
    others = [
        method
        for method in methods
        if method is not baseline and len(method.keys() & baseline.keys()) >= LEAST
    ]
    if not others:
        return None
    compared = [_compare(method, baseline, metric) for method in others]
    adjusted = holm([each.p_value for each in compared])
    contrasts = [
        SplitContrast(
            method=_first(method).method,
            splits=each.freedom + 1,
            compared=each,
            adjusted=float(p),
            detectable=detectable_in_family(each.detectable, each.freedom, len(compared)),
        )
        for method, each, p in zip(others, compared, adjusted, strict=True)
    ]
    contrasts.sort(key=lambda contrast: -contrast.compared.difference.value)
    return OverSplits(metric, _first(baseline).method, tuple(contrasts))


def _methods(boards: Sequence[Ranking], metric: str) -> list[BySplit]:
    found: dict[str, dict[int, Row]] = {}
    several: set[str] = set()
    for row in (row for board in boards for row in board.rows if row.runs and not row.leaky):
        figure = row.metrics.get(metric)
        if figure is None or math.isnan(figure.value) or not row.training_counts:
            continue
        key, split = method_key(row.spec, f"data.{_SEED}"), row.spec["data"].get(_SEED, 0)
        own = found.setdefault(key, {})
        if split in own or row.fingerprint in {other.fingerprint for other in own.values()}:
            several.add(key)
        own[split] = row
    return [method for key, method in found.items() if key not in several]


def _first(method: BySplit) -> Row:
    return method[min(method)]


def _compare(method: BySplit, baseline: BySplit, metric: str) -> ResampledT:
    pairs = [(row, baseline[split]) for split, row in method.items() if split in baseline]
    return resampled_t(
        [ours.metrics[metric].value - theirs.metrics[metric].value for ours, theirs in pairs],
        [sum(ours.training_counts.values()) for ours, _ in pairs],
        [sum(ours.test_counts.values()) for ours, _ in pairs],
    )
