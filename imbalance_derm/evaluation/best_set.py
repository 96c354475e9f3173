"""The methods that cannot be told from the best one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from scipy.stats import t

from imbalance_derm.errors import InputError
from imbalance_derm.evaluation.holm import holm
from imbalance_derm.evaluation.intervals import LEVEL, RESAMPLES
from imbalance_derm.evaluation.over_seeds import Method, contrasts_over_seeds
from imbalance_derm.evaluation.seed_comparison import SeedComparison
from imbalance_derm.experiment.record import Figure


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one method stands.

    Attributes
    ----------
    figure : Figure
        Mean over the seeds with its 95 % interval.
    against_top : SeedComparison or None
        This method minus the top one; None for the top itself.
    p_value, adjusted : float
        Two-sided, that it equals the top, before and after Holm's adjustment; 1 for the top, and
        where too few draws of the test set are usable to tell.
    detectable : float or None
        The smallest true difference from the top that would have been found with a chance of
        80 % although so many pairs are compared:
        :func:`imbalance_derm.evaluation.seed_comparison.detectable_in_family` of all pairs.
        None where there is no comparison.
    distinguishable : bool
        From the top. The methods that are not make the best set.
    """

    figure: Figure
    against_top: SeedComparison | None
    p_value: float
    adjusted: float
    detectable: float | None
    distinguishable: bool


@dataclass(frozen=True, slots=True)
class BestSet:
    """A ranking in which the first place is shared.

    Attributes
    ----------
    metric, top : str
        What ranks, and the method with the best mean.
    best : tuple of str
        The top and every method not distinguishable from it, best first.
    standings : dict of str to Standing
        Every method, best first.
    pairs : int
        Size of the family that the p-values are adjusted over.
    """

    metric: str
    top: str
    best: tuple[str, ...]
    standings: dict[str, Standing]
    pairs: int


def best_set(
    methods: Mapping[str, Method],
    metric: str,
    lower_is_better: bool = False,
    resamples: int = RESAMPLES,
    seed: int = 0,
    means: Mapping[str, Sequence[str]] = {},
) -> BestSet:
    """Return the methods that are not distinguishable from the best, at the 5 % level.

    Parameters
    ----------
    methods : mapping of str to Method
        By name, the predictions by seed and their decisions, as
        :func:`imbalance_derm.evaluation.over_seeds.paired_over_seeds` takes them.
    metric : str
    lower_is_better : bool
        For errors, such as the Brier score.
    resamples, seed, means
        Of the bootstrap, as there.

    Raises
    ------
    InputError
        There are fewer than two methods, the metric is unknown or a method's is undefined, or
        the methods have different seeds or images.
    RunError
        There is no image, or a probability is not finite.

    Notes
    -----
    The top is chosen by the data that it is then tested on: of equal methods the luckiest is
    compared with the unluckiest. The family is therefore all pairs of methods and not the pairs
    with the top alone, which would mark too many (with ten equal methods, in about one ranking
    of seven instead of one of twenty). A method is out of the set where its pair with the top
    stands after Holm's adjustment.

    To be in the set is no evidence of being equal: `detectable` says what could have been seen.

    Examples
    --------
    >>> from imbalance_derm.evaluation.decision import ARGMAX
    >>> from imbalance_derm.evaluation.predictions import Predictions
    >>> ids, labels = np.arange(80).astype(str), np.arange(80) % 2
    >>> def trained(signal):
    ...     said = []
    ...     for s in range(3):
    ...         noise = np.random.default_rng([s, int(9 * signal)]).normal(size=80)
    ...         p = 1 / (1 + np.exp(-signal * labels - noise))
    ...         said.append(Predictions(ids, ids, labels, np.stack([1 - p, p], 1), ("a", "b")))
    ...     return said, [ARGMAX] * 3
    >>> methods = {"ce": trained(0.0), "focal": trained(2.0), "ldam": trained(2.2)}
    >>> found = best_set(methods, "auc", resamples=200)
    >>> sorted(found.best), found.standings["ce"].distinguishable
    (['focal', 'ldam'], True)
    """
    if len(methods) < 2:
        raise InputError(f"{len(methods)} methods have no best; give two or more")
    pairs = list(combinations(methods, 2))
    alone = {f"mean {name}": {name: 1.0} for name in methods}
    between = {f"pair {i}": {a: 1.0, b: -1.0} for i, (a, b) in enumerate(pairs)}
    found = contrasts_over_seeds(methods, alone | between, [metric], resamples, seed, means)
    figures = {name: found[f"mean {name}"][metric].difference for name in methods}
    for name, figure in figures.items():
        if np.isnan(figure.value):
            raise InputError(f"{metric} of '{name}' is undefined on this test set; leave it out")
    compared = [found[f"pair {i}"][metric] for i in range(len(pairs))]
    tested = [p_value(comparison) for comparison in compared]
    adjusted = holm([1.0 if np.isnan(p) else p for p in tested])
    sign = 1.0 if lower_is_better else -1.0
    ranked = sorted(methods, key=lambda name: sign * figures[name].value)
    top = ranked[0]
    standings = {top: Standing(figures[top], None, 1.0, 1.0, None, False)}
    for name in ranked[1:]:
        place = pairs.index((name, top)) if (name, top) in pairs else pairs.index((top, name))
        comparison = compared[place]
        standings[name] = Standing(
            figures[name],
            comparison if pairs[place][0] == name else _turned(comparison),
            1.0 if np.isnan(tested[place]) else tested[place],
            float(adjusted[place]),
            comparison.detectable_in_family(len(pairs)),
            bool(adjusted[place] < 1 - LEVEL),
        )
    best = tuple(name for name in ranked if not standings[name].distinguishable)
    return BestSet(metric, top, best, standings, len(pairs))


def p_value(comparison: SeedComparison) -> float:
    """Return the two-sided p-value, that a difference is zero, which agrees with its interval.

    The half of the 95 % interval on the side of zero is taken as that of Student's t (the normal
    without seeds), so that a skewed bootstrap keeps its skew; p is below 5 % where the interval
    excludes zero. Counting the draws beyond zero would end at one in their number, too coarse to
    be adjusted over many pairs.

    Returns
    -------
    float
        nan where there is no interval; 0 where the difference is the same on every draw and not
        zero.

    Examples
    --------
    >>> round(p_value(SeedComparison(Figure(0.04, 0.0, 0.07), 0.02, None, 1, 0.056)), 3)
    0.05
    """
    value, low, high = (getattr(comparison.difference, end) for end in ("value", "low", "high"))
    if low is None or high is None:
        return float("nan")
    if value == 0:
        return 1.0
    half = value - low if value > 0 else high - value
    # A biased statistic's interval may lie beyond its value.
    half = half if half > 0 else (high - low) / 2
    if half == 0:
        return 0.0
    freedom = comparison.freedom or np.inf
    return float(2 * t.sf(abs(value) / half * t.ppf((1 + LEVEL) / 2, freedom), freedom))


def _turned(comparison: SeedComparison) -> SeedComparison:
    """Return the second minus the first."""
    figure = comparison.difference
    low = None if figure.high is None else -figure.high
    high = None if figure.low is None else -figure.low
    return replace(comparison, difference=Figure(-figure.value, low, high))
