"""Nadeau and Bengio's corrected t-test for differences over re-drawn training sets."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t

from imbalance_derm.errors import InputError
from imbalance_derm.evaluation.intervals import LEVEL
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
    """

    difference: Figure
    statistic: float
    freedom: int
    p_value: float


def resampled_t(
    differences: Sequence[float],
    training: Sequence[Collection[str]],
    test: Sequence[Collection[str]],
) -> ResampledT:
    """Compare two methods that were trained and tested on J random splits of one data set.

    ``t = mean / sqrt((1 / J + n_test / n_train) S^2)`` with J - 1 degrees of freedom, ``S^2``
    the unbiased variance of the differences. Splits share most of their training images, so the
    differences are correlated and the plain t-test, ``S^2 / J``, rejects far too often.

    Parameters
    ----------
    differences : sequence of float, length J
        Of a metric, first method minus second, one for each split.
    training, test : sequence of collections of str, length J
        Ids of the lesions (of the images, where each lesion has one) of each split's parts.
        Their sizes give the correction, the mean of ``n_test / n_train`` where it varies.

    Raises
    ------
    InputError
        There are fewer than two splits, a part is empty, a difference is not finite, training
        and test overlap, or two splits have the same training set. Several seeds on one split
        are no re-drawn training sets: the correction does not hold for them.

    Notes
    -----
    It speaks of methods on training sets of this size, of which a test set that stays fixed
    does not. For several seeds on one split use
    :func:`imbalance_derm.evaluation.over_seeds.paired_over_seeds`. Where all differences are
    equal the p-value is 1 if they are 0, and else 0.

    References
    ----------
    Nadeau and Bengio 2003, "Inference for the Generalization Error", Machine Learning 52:239.

    Examples
    --------
    >>> training, test = [["a", "b"], ["a", "c"], ["b", "c"]], [["c"], ["b"], ["a"]]
    >>> found = resampled_t([0.02, 0.03, 0.01], training, test)
    >>> round(found.statistic, 3), found.freedom, round(found.p_value, 3)
    (2.191, 2, 0.16)
    """
    shares = _shares(differences, training, test)
    values, draws = np.asarray(differences, dtype=np.float64), len(differences)
    mean = float(values.mean())
    error = float(np.sqrt((1 / draws + shares.mean()) * values.var(ddof=1)))
    if np.ptp(values) == 0:
        statistic = float(np.sign(mean) * np.inf) if mean else 0.0
        return ResampledT(Figure(mean, mean, mean), statistic, draws - 1, float(mean == 0))
    margin = float(t.ppf((1 + LEVEL) / 2, draws - 1)) * error
    return ResampledT(
        Figure(mean, mean - margin, mean + margin),
        mean / error,
        draws - 1,
        float(2 * t.sf(abs(mean) / error, draws - 1)),
    )


def _shares(
    differences: Sequence[float],
    training: Sequence[Collection[str]],
    test: Sequence[Collection[str]],
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
    parts = [(frozenset(a), frozenset(b)) for a, b in zip(training, test, strict=True)]
    for place, (learnt, tested) in enumerate(parts):
        if not learnt or not tested:
            raise InputError(f"split {place} has an empty training or test set; split again")
        if learnt & tested:
            raise InputError(
                f"split {place} tests on {len(learnt & tested)} lesions that it trains on; split "
                "by lesion"
            )
    if len({learnt for learnt, _ in parts}) < len(parts):
        raise InputError(
            "two splits have the same training set, and this test is for re-drawn ones; compare "
            "seeds on one split with paired_over_seeds"
        )
    return np.array([len(tested) / len(learnt) for learnt, tested in parts])
