"""Nadeau and Bengio's corrected t-test for differences over re-drawn training sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t

from imbalance_derm.errors import InputError
from imbalance_derm.evaluation.intervals import LEVEL
from imbalance_derm.evaluation.seed_comparison import POWER
from imbalance_derm.experiment.record import Figure


@dataclass(frozen=True, slots=True)
class ResampledT:
    """Two methods compared over re-drawn training sets.

    Attributes
    ----------
    difference : Figure
        Mean difference with its 95 % interval.
    statistic : float
    freedom : int
        Degrees of freedom, one fewer than there are draws.
    p_value : float
        Two-sided, that the methods do not differ.
    detectable : float
        The smallest true difference that would have been found with a chance of 80 %.
    """

    difference: Figure
    statistic: float
    freedom: int
    p_value: float
    detectable: float


def resampled_t(
    differences: Sequence[float], training: Sequence[int], test: Sequence[int]
) -> ResampledT:
    """Compare two methods that were trained and tested on J random splits of one data set.

    ``t = mean / sqrt((1 / J + n_test / n_train) S^2)`` with J - 1 degrees of freedom, ``S^2``
    the unbiased variance of the differences. Splits share most of their training images, so the
    differences are correlated and the plain t-test, ``S^2 / J``, rejects far too often.

    Parameters
    ----------
    differences : sequence of float, length J
        Of a metric, first method minus second, one for each split.
    training, test : sequence of int, length J
        Sizes of each split's parts. The correction is the mean of ``n_test / n_train`` where it
        varies.

    Raises
    ------
    InputError
        There are fewer than two splits, a part is empty, or a difference is not finite.

    Notes
    -----
    Both parts have to be drawn anew for every split: several seeds on one split are no re-drawn
    training sets, and what is found on a test set that stays fixed is about that test set. For
    these use :func:`imbalance_derm.evaluation.over_seeds.paired_over_seeds`. Where all
    differences are equal the p-value is 1 if they are 0, and else 0.

    References
    ----------
    Nadeau and Bengio 2003, "Inference for the Generalization Error", Machine Learning 52:239.

    Examples
    --------
    >>> found = resampled_t([0.02, 0.03, 0.01], training=[2, 2, 2], test=[1, 1, 1])
    >>> round(found.statistic, 3), found.freedom, round(found.p_value, 3)
    (2.191, 2, 0.16)
    """
    shares = _shares(differences, training, test)
    values, draws = np.asarray(differences, dtype=np.float64), len(differences)
    mean = float(values.mean())
    error = float(np.sqrt((1 / draws + shares.mean()) * values.var(ddof=1)))
    if np.ptp(values) == 0:
        statistic = float(np.sign(mean) * np.inf) if mean else 0.0
        return ResampledT(Figure(mean, mean, mean), statistic, draws - 1, float(mean == 0), 0.0)
    reach = float(t.ppf((1 + LEVEL) / 2, draws - 1))
    return ResampledT(
        Figure(mean, mean - reach * error, mean + reach * error),
        mean / error,
        draws - 1,
        float(2 * t.sf(abs(mean) / error, draws - 1)),
        (reach + float(t.ppf(POWER, draws - 1))) * error,
    )


def _shares(
    differences: Sequence[float], training: Sequence[int], test: Sequence[int]
) -> np.ndarray:
    """Return each split's test size in units of its training size, the splits checked."""
    counts = {len(differences), len(training), len(test)}
    if len(counts) > 1 or len(differences) < 2:
        raise InputError(
            f"{len(differences)} differences cannot be tested with {len(training)} training and "
            f"{len(test)} test sets; give one of each per split, of two splits or more"
        )
    if not np.isfinite(differences).all():
        raise InputError("a difference is not finite; leave out metrics that a split has not got")
    for place, sizes in enumerate(zip(training, test, strict=True)):
        if min(sizes) < 1:
            raise InputError(f"split {place} has an empty training or test set; split again")
    return np.asarray(test, dtype=np.float64) / np.asarray(training, dtype=np.float64)
