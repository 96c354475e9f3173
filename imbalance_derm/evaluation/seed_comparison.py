"""A difference of methods over training seeds: how its two sources of spread are combined."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit
from scipy.stats import norm, t

from imbalance_derm.evaluation.intervals import LEVEL, percentile_interval
from imbalance_derm.experiment.record import Figure

POWER = 0.8
"""Chance with which the smallest detectable difference would have been seen."""


@dataclass(frozen=True, slots=True)
class SeedComparison:
    """The mean difference between two methods over training seeds.

    Attributes
    ----------
    difference : Figure
        Mean over the seeds of first minus second, with its 95 % interval. It covers the draw of
        the test lesions and, with two seeds or more, of the training seeds.
    lesion_error : float or None
        Standard error from the draw of the test lesions; None where too few resamples are usable.
    seed_error : float or None
        Standard error from the draw of the training seeds, beyond what the test lesions explain.
        None with one seed: the spread is unknown and not in the interval.
    seeds : int
        Number of pairs of models.
    detectable : float or None
        The smallest true difference that a two-sided test at 5 % would have found with a chance
        of 80 %: 2.8 standard errors, more where few seeds say how large these are.
    freedom : float or None
        Satterthwaite's degrees of freedom of the standard error; None where there is none, or
        where no seed enters and it counts as known.
    """

    difference: Figure
    lesion_error: float | None
    seed_error: float | None
    seeds: int
    detectable: float | None
    freedom: float | None = None

    def detectable_in_family(self, tests: int) -> float | None:
        """Return what `detectable` becomes where the test is one of a family of so many."""
        if self.detectable is None:
            return None
        return detectable_in_family(self.detectable, self.freedom, tests)


def detectable_in_family(alone: float, freedom: float | None, tests: int) -> float:
    """Return the smallest true difference that one test of a family finds with a chance of 80 %.

    The tests are two-sided, and adjusted by Holm so that an error anywhere in the family is rarer
    than 5 %. The first and hardest step counts, at 5 % divided by the number of tests: later
    steps are easier, but come only where tests before them have found something.

    Parameters
    ----------
    alone : float
        What the test would find at 5 % if it were the only one.
    freedom : float or None
        Degrees of freedom of its Student's t; None: the standard error counts as known.
    tests : int
        Size of the family.

    Examples
    --------
    >>> [round(detectable_in_family(0.028, None, tests), 3) for tests in (1, 45)]
    [0.028, 0.041]
    """
    degrees = np.inf if freedom is None else freedom
    first, only = (t.ppf(1 - (1 - LEVEL) / (2 * count), degrees) for count in (tests, 1))
    power = t.ppf(POWER, degrees)
    return float(alone * (first + power) / (only + power))


@dataclass(frozen=True, slots=True)
class SeedSpread:
    """How far training seeds move a figure, known from several methods at once.

    Attributes
    ----------
    variance : float
        Of a figure between seeds, the noise of the test lesions included.
    noise : float
        The part of it that is noise of the test lesions.
    freedom : int
        Degrees of freedom of the two.
    """

    variance: float
    noise: float
    freedom: int

    def times(self, factor: float) -> SeedSpread:
        """Return the spread of a figure with so many times the variance."""
        return SeedSpread(factor * self.variance, factor * self.noise, self.freedom)


def seed_spread(values: np.ndarray, draws: np.ndarray) -> SeedSpread:
    """Return how far seeds move one method against the others, pooled over the methods.

    That is the interaction of methods and seeds in the two-way layout: what a seed does to all
    methods alike cancels in their differences, and so it does here. A contrast with weights
    ``w`` varies by the sum of ``w^2`` times as much, if seeds move all methods equally far.

    Parameters
    ----------
    values : ndarray of float, (m, s)
        The figure of each method and seed, two of each at the least.
    draws : ndarray of float, (b, m, s)
        The same on b draws of the test lesions; NaN where a draw has no figure.

    Examples
    --------
    >>> values = np.array([[0.7, 0.8], [0.8, 0.7]])  # the seeds move the difference by 0.2
    >>> found = seed_spread(values, np.repeat(values[None], 9, axis=0))
    >>> round(found.variance, 4), found.noise, found.freedom
    (0.01, 0.0, 1)
    """
    methods, seeds = values.shape
    freedom = (methods - 1) * (seeds - 1)
    usable = ~np.isnan(draws).any(axis=(1, 2))
    noise = _interaction(draws[usable] - values) / freedom
    return SeedSpread(
        float(_interaction(values[None])[0] / freedom),
        float(noise.mean()) if usable.any() else 0.0,
        freedom,
    )


def _interaction(values: np.ndarray) -> np.ndarray:
    """Sum of squares of the interaction of the last two axes, (b,) of (b, m, s)."""
    residual = values - values.mean(axis=1, keepdims=True) - values.mean(axis=2, keepdims=True)
    return ((residual + values.mean(axis=(1, 2), keepdims=True)) ** 2).sum(axis=(1, 2))


def combine(
    values: np.ndarray,
    draws: np.ndarray,
    shares: np.ndarray,
    limits: tuple[float, float],
    contrast: bool,
    pooled: SeedSpread | None = None,
) -> SeedComparison:
    """Return the mean of figures by seed with an interval over lesions and seeds.

    :func:`imbalance_derm.evaluation.over_seeds.paired_over_seeds` says how the two are combined.

    Parameters
    ----------
    values : ndarray of float, (s,)
        The figure of each seed.
    draws : ndarray of float, (b, s)
        The same on b draws of the test lesions; NaN where a draw has no figure.
    shares : ndarray of float, (b, s)
        How often each seed is drawn, as a share of the s.
    limits : tuple of (float, float)
        The lowest and the highest possible value of the metric; infinite where there is none.
    contrast : bool
        A difference of figures: it lies within the distance of `limits` from 0, and the interval
        is cut there. Else that of a metric with limits is symmetric on the logit scale.
    pooled : SeedSpread, optional
        Of such a contrast, known from more methods than enter it. Three seeds alone often show
        no spread by chance; the larger of the two counts.

    Examples
    --------
    >>> draws = np.random.default_rng(0).normal((0.02, 0.04), 0.01, (500, 2))
    >>> shares = np.random.default_rng(1).multinomial(2, (0.5, 0.5), 500) / 2
    >>> found = combine(np.array([0.02, 0.04]), draws, shares, (0.0, 1.0), contrast=True)
    >>> found.seeds, round(found.difference.value, 2)
    (2, 0.03)
    """
    seeds, mean = len(values), float(values.mean())
    usable = ~np.isnan(draws).any(axis=1)
    over_lesions = np.where(usable, draws.mean(axis=1), np.nan)
    if percentile_interval(over_lesions) == (None, None) or np.isnan(mean):
        return SeedComparison(Figure(mean), None, None, seeds, None)
    lesion_variance = float(over_lesions[usable].var())
    seed_variance, stretch, freedom = 0.0, 0.0, np.inf
    if seeds > 1:
        spread = float(values.var(ddof=1))
        noise = float((draws[usable] - values).var(axis=1, ddof=1).mean())
        known = SeedSpread(spread, noise, seeds - 1)
        if pooled is not None and pooled.variance - pooled.noise >= spread - noise:
            known = pooled
        seed_variance = max(0.0, known.variance - known.noise) / seeds
        if spread > 0:
            stretch = np.sqrt(seed_variance * seeds / spread * seeds / (seeds - 1))
        if known.variance > 0:
            both = lesion_variance + seed_variance
            freedom = both**2 * known.freedom / (known.variance / seeds) ** 2
            freedom = max(seeds - 1, freedom)
    tail = 1 - (1 - LEVEL) / 2
    error = float(np.sqrt(lesion_variance + seed_variance))
    wider = t.ppf(tail, freedom) / norm.ppf(tail)
    moved = over_lesions + stretch * (shares @ values - mean) - mean
    widest = limits[1] - limits[0]
    ends = (-widest, widest) if contrast else limits
    interval = percentile_interval(np.clip(mean + wider * moved, *ends))
    if not contrast and limits[0] < mean < limits[1]:
        interval = _on_logit_scale(mean, t.ppf(tail, freedom) * error, limits)
    return SeedComparison(
        Figure(mean, *interval),
        float(np.sqrt(lesion_variance)),
        float(np.sqrt(seed_variance)) if seeds > 1 else None,
        seeds,
        float((t.ppf(tail, freedom) + t.ppf(POWER, freedom)) * error),
        float(freedom) if np.isfinite(freedom) else None,
    )


def _on_logit_scale(mean: float, margin: float, limits: tuple[float, float]) -> tuple[float, float]:
    """Return ``mean -+ margin`` as it is on the scale on which the limits are infinitely far."""
    share, width = (mean - limits[0]) / (limits[1] - limits[0]), limits[1] - limits[0]
    reach = margin / width / (share * (1 - share))
    low, high = expit(logit(share) + np.array([-reach, reach]))
    return limits[0] + width * float(low), limits[0] + width * float(high)
