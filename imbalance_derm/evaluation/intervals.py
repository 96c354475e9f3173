"""95 % intervals: bootstrap over lesions for any statistic, Wilson for plain proportions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.stats import binomtest

from imbalance_derm.experiment.record import Figure

LEVEL = 0.95
RESAMPLES = 2000

_CHUNK = 2**18
"""Weights held at once; a chunk of float64 stays within a CPU's cache."""

_USABLE = 0.7
"""Share of resamples that must give a figure. A class with one lesion is missing from 37 % of
them, and an interval from the others would say that nothing varies."""

Statistic = Callable[[np.ndarray], np.ndarray]
"""From weights (b, n), the times that each image was drawn, to figures (b,) or (b, m)."""


def bootstrap(
    statistic: Statistic, lesions: np.ndarray, resamples: int = RESAMPLES, seed: int = 0
) -> np.ndarray:
    """Return the statistic of `resamples` draws of as many lesions, with replacement.

    All photographs of a lesion are drawn together: they are not independent of each other, and
    drawing them one by one would make the intervals too narrow.

    Parameters
    ----------
    statistic : callable
        Called with weights, float64 (b, n), for a chunk of resamples; returns (b,) or (b, m).
    lesions : ndarray, shape (n,)
        Lesion of each image, any ids.
    resamples : int
    seed : int
        The same seed draws the same lesions whatever the statistic: figures of two models on
        the same images can be paired.

    Returns
    -------
    ndarray of float64, shape (resamples,) or (resamples, m)

    Examples
    --------
    >>> values = np.array([1.0, 2.0, 3.0])
    >>> means = bootstrap(lambda w: w @ values / w.sum(axis=1), np.array(["a", "b", "c"]), 500)
    >>> means.shape, bool(1.0 <= means.min() and means.max() <= 3.0)
    ((500,), True)
    """
    names, lesion_of = np.unique(lesions, return_inverse=True)
    rng = np.random.default_rng(seed)
    rows = max(1, _CHUNK // len(lesion_of))
    figures = []
    for start in range(0, resamples, rows):
        count = min(rows, resamples - start)
        drawn = rng.integers(len(names), size=(count, len(names)))
        cells = drawn + len(names) * np.arange(count)[:, None]
        times = np.bincount(cells.ravel(), minlength=count * len(names)).reshape(count, -1)
        figures.append(statistic(times[:, lesion_of].astype(np.float64)))
    return np.concatenate(figures)


def percentile_interval(draws: np.ndarray) -> tuple[float | None, float | None]:
    """Return the central 95 % of bootstrap draws (b,), those that are nan left out.

    Returns
    -------
    low, high : float or None
        None where fewer than 70 % of the draws are usable: an interval from the rest would be
        too narrow to be true.

    Examples
    --------
    >>> low, high = percentile_interval(np.arange(101.0))
    >>> round(low, 6), round(high, 6)
    (2.5, 97.5)
    """
    usable = draws[~np.isnan(draws)]
    if len(usable) < _USABLE * len(draws):
        return None, None
    low, high = np.quantile(usable, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def wilson(k: int, n: int) -> tuple[float | None, float | None]:
    """Return Wilson's 95 % score interval of the proportion k / n; None where n is 0.

    Right for independent images only. It stays open where `k` is 0 or `n`, as the bootstrap
    does not.

    Examples
    --------
    >>> low, high = wilson(81, 263)
    >>> round(low, 4), round(high, 4)
    (0.2553, 0.3662)

    Notes
    -----
    Wilson, JASA 22 (1927); Newcombe, Statistics in Medicine 17 (1998), method 3.
    """
    if n == 0:
        return None, None
    interval = binomtest(k, n).proportion_ci(confidence_level=LEVEL, method="wilson")
    return float(interval.low), float(interval.high)


def paired_mean_interval(
    differences: np.ndarray, groups: np.ndarray, seed: int = 0, resamples: int = RESAMPLES
) -> Figure:
    """Return the mean of paired differences with its interval, groups resampled.

    Parameters
    ----------
    differences : ndarray of float, shape (n,)
        One per pair, such as the score of a translated image minus that of its source.
    groups : ndarray, shape (n,)
        Pairs of one group, such as images of one lesion, are drawn together.

    Examples
    --------
    >>> paired_mean_interval(np.array([0.5, 0.5, 0.5]), np.array(["a", "a", "b"]))
    Figure(value=0.5, low=0.5, high=0.5)
    """

    def mean(weights: np.ndarray) -> np.ndarray:
        return weights @ differences / weights.sum(axis=1)

    low, high = percentile_interval(bootstrap(mean, groups, resamples, seed))
    return Figure(float(np.mean(differences)), low, high)
