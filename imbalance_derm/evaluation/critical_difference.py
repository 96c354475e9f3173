"""Many methods over many data sets: average ranks, Friedman's test, Nemenyi's difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import f, friedmanchisquare, rankdata, studentized_range

from imbalance_derm.errors import InputError
from imbalance_derm.evaluation.intervals import LEVEL

LEAST = 5
"""Data sets below which average ranks are refused as evidence."""


@dataclass(frozen=True, slots=True)
class CriticalDifference:
    """What a critical difference diagram shows.

    Attributes
    ----------
    average_ranks : dict of str to float
        By method, best first; 1 is the best rank.
    critical_difference : float
        Two methods whose average ranks differ by this or more are distinguishable.
    groups : tuple of tuple of str
        The largest sets of two methods or more that are not: the bars of the diagram.
    friedman, friedman_p : float
        Friedman's chi-square, corrected for ties, and its p-value, that no method differs. Where
        it is large the critical difference has no say.
    iman_davenport, iman_davenport_p : float
        The less conservative F statistic of the same, and its p-value.
    data_sets : int
    """

    average_ranks: dict[str, float]
    critical_difference: float
    groups: tuple[tuple[str, ...], ...]
    friedman: float
    friedman_p: float
    iman_davenport: float
    iman_davenport_p: float
    data_sets: int


def critical_difference(
    scores: Mapping[str, Sequence[float]], lower_is_better: bool = False
) -> CriticalDifference:
    """Rank methods over data sets, at the 5 % level.

    ``CD = q sqrt(k (k + 1) / (6 N))`` for k methods on N data sets, q the 95 % point of the
    studentized range of k values with infinite degrees of freedom, divided by ``sqrt(2)``.

    Parameters
    ----------
    scores : mapping of str to sequence of float
        By method, one figure for each data set, in the same order of data sets. Methods with
        equal scores share the mean of their ranks.
    lower_is_better : bool
        For errors, such as Brier scores.

    Raises
    ------
    InputError
        There are fewer than five data sets or three methods, the methods have different numbers
        of scores, or a score is not finite.

    Notes
    -----
    The sample is that of the data sets, which must be independent: splits, seeds or versions of
    one data set are one. The chi-square is an approximation for many (Demsar: N > 10, k > 5); of
    five data sets only large differences can be seen. ``iman_davenport`` is computed from the
    chi-square corrected for ties; Demsar gives both without the correction, which differs only
    where there are ties.

    References
    ----------
    Demsar 2006, "Statistical Comparisons of Classifiers over Multiple Data Sets", JMLR 7:1.
    Friedman 1937, JASA 32:675. Iman and Davenport 1980, Communications in Statistics A 9:571.

    Examples
    --------
    >>> scores = {"focal": [0.9, 0.8, 0.7, 0.9, 0.8], "ce": [0.8, 0.7, 0.6, 0.8, 0.9]}
    >>> found = critical_difference({**scores, "mse": [0.7, 0.6, 0.5, 0.7, 0.7]})
    >>> found.average_ranks
    {'focal': 1.2, 'ce': 1.8, 'mse': 3.0}
    >>> round(found.critical_difference, 3), found.groups
    (1.482, (('focal', 'ce'), ('ce', 'mse')))
    """
    table = _table(scores)
    data_sets, k = table.shape
    ranks = rankdata(table if lower_is_better else -table, axis=1)
    means = ranks.mean(axis=0)
    order = np.argsort(means, kind="stable")
    names = [list(scores)[place] for place in order]
    q = float(studentized_range.ppf(LEVEL, k, np.inf)) / np.sqrt(2)
    critical = float(q * np.sqrt(k * (k + 1) / (6 * data_sets)))
    friedman, friedman_p = 0.0, 1.0
    if np.ptp(ranks):
        friedman, friedman_p = map(float, friedmanchisquare(*ranks.T))
    rest = data_sets * (k - 1) - friedman
    # The same order on every data set leaves nothing: an infinite ratio.
    ratio = (data_sets - 1) * friedman / rest if rest > 1e-9 else np.inf
    return CriticalDifference(
        {name: float(means[place]) for name, place in zip(names, order, strict=True)},
        critical,
        _groups(names, means[order], critical),
        friedman,
        friedman_p,
        float(ratio),
        float(f.sf(ratio, k - 1, (k - 1) * (data_sets - 1))),
        data_sets,
    )


def _table(scores: Mapping[str, Sequence[float]]) -> np.ndarray:
    """Return the scores, (data sets, methods), checked."""
    counts = {len(values) for values in scores.values()}
    if len(scores) < 3:
        raise InputError(
            f"{len(scores)} methods cannot be ranked by Friedman's test; give three or more, or "
            "compare two by a paired test on each data set"
        )
    if len(counts) > 1:
        raise InputError("the methods have scores of different numbers of data sets; give all")
    if min(counts) < LEAST:
        raise InputError(
            f"ranks over {min(counts)} data sets are no evidence, it takes {LEAST} or more; use "
            "the paired bootstrap on each data set"
        )
    table = np.array(list(scores.values()), dtype=np.float64).T
    if not np.isfinite(table).all():
        raise InputError("a score is not finite; leave the method or the data set out")
    return table


def _groups(names: list[str], ranks: np.ndarray, critical: float) -> tuple[tuple[str, ...], ...]:
    """Return the runs of neighbours that differ by less, those within another left out."""
    ends = [int(np.flatnonzero(ranks - start < critical)[-1]) for start in ranks]
    runs = [
        (start, end)
        for start, end in enumerate(ends)
        if end > start and (start == 0 or end > ends[start - 1])
    ]
    return tuple(tuple(names[start : end + 1]) for start, end in runs)
