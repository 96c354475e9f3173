"""Kernel distance between two sets of features, with an interval that respects groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from imbalance_derm.evaluation.intervals import LEVEL
from imbalance_derm.experiment.record import Figure


@dataclass(frozen=True, eq=False)
class Pairs:
    """Kernel values of every pair of two sets, and which pairs are independent.

    Attributes
    ----------
    values : ndarray of float64, shape (n, m)
        0 where the pair is not independent.
    independent : ndarray of bool, shape (n, m)
    """

    values: np.ndarray
    independent: np.ndarray

    def part(self, rows: np.ndarray, columns: np.ndarray) -> Pairs:
        """Return the pairs of some rows with some columns."""
        cells = np.ix_(rows, columns)
        return Pairs(self.values[cells], self.independent[cells])


def kernel_pairs(inner: np.ndarray, features: int, independent: np.ndarray) -> Pairs:
    """Return the cubic kernel (x.y / d + 1)^3 of pairs, from their inner products.

    Parameters
    ----------
    inner : ndarray of float64, shape (n, m)
    features : int
        Number of features, d.
    independent : ndarray of bool, shape (n, m)

    Notes
    -----
    Binkowski et al. 2018, "Demystifying MMD GANs", arXiv 1801.01401, section 4.

    Examples
    --------
    >>> kernel_pairs(np.array([[2.0]]), 2, np.array([[True]])).values.tolist()
    [[8.0]]
    """
    return Pairs(np.where(independent, (inner / features + 1.0) ** 3, 0.0), independent)


def squared_mmd(within_x: Pairs, across: Pairs, within_y: Pairs) -> float | None:
    """Return the unbiased estimate of the squared maximum mean discrepancy.

    Each term is the mean over independent pairs. With every image a group of its own, these are
    the pairs i != j of the usual estimate; images of one lesion, and a sample with an image of a
    lesion it was made from, are left out for the same reason that i = j is. Unbiased, it can be
    below 0.

    Returns
    -------
    float or None
        None where a term has no independent pair.

    Notes
    -----
    Gretton et al., JMLR 13 (2012), equation 3.

    Examples
    --------
    >>> other = ~np.eye(2, dtype=bool)
    >>> same = kernel_pairs(np.ones((2, 2)), 1, other)
    >>> squared_mmd(same, kernel_pairs(np.zeros((2, 2)), 1, np.ones((2, 2), bool)), same)
    14.0
    """
    terms = (within_x, across, within_y)
    counts = [np.count_nonzero(term.independent) for term in terms]
    if not all(counts):
        return None
    xx, xy, yy = (term.values.sum() / count for term, count in zip(terms, counts, strict=True))
    return float(xx + yy - 2 * xy)


def kid(
    within_x: Pairs,
    across: Pairs,
    within_y: Pairs,
    groups_x: np.ndarray,
    groups_y: np.ndarray,
) -> Figure | None:
    """Return the kernel distance with its interval by leaving out one group at a time.

    No pair within a group is in any sum, so what is left without a group is the whole less that
    group's rows and columns: the jackknife costs no more than the figure.

    Parameters
    ----------
    within_x, across, within_y : Pairs, shapes (n, n), (n, m), (m, m)
        Pairs of one group are not independent.
    groups_x, groups_y : ndarray of int, shapes (n,) and (m,)
        One numbering for both sides: a lesion and the samples made of it leave together.

    Returns
    -------
    Figure or None
        The interval is None where a side has fewer than two groups to leave out; the figure
        itself where there is no independent pair.

    Notes
    -----
    Efron and Stein, Annals of Statistics 9 (1981); Student's t with the groups of the smaller
    side less one as degrees of freedom. Where both distributions are equal the jackknife's
    variance is too large, so that the interval errs on the safe side.
    """
    value = squared_mmd(within_x, across, within_y)
    if value is None:
        return None
    fewest = min(len(np.unique(groups_x)), len(np.unique(groups_y)))
    names, numbers = np.unique(np.concatenate([groups_x, groups_y]), return_inverse=True)
    x, y, size = numbers[: len(groups_x)], numbers[len(groups_x) :], len(names)
    left, enough = np.zeros(size), np.ones(size, bool)
    for pairs, weight, rows, columns in (
        (within_x, 1.0, x, x),
        (across, -2.0, x, y),
        (within_y, 1.0, y, y),
    ):
        sums = _left(pairs.values, rows, columns, size)
        counts = _left(pairs.independent, rows, columns, size)
        enough &= counts > 0.5
        left += weight * sums / np.maximum(counts, 1.0)
    if fewest < 2 or not enough.all():
        return Figure(value)
    error = np.sqrt((size - 1) / size * np.sum((left - left.mean()) ** 2))
    half = float(student.ppf((1 + LEVEL) / 2, fewest - 1) * error)
    return Figure(value, value - half, value + half)


def _left(values: np.ndarray, rows: np.ndarray, columns: np.ndarray, size: int) -> np.ndarray:
    """Sum over all pairs without those of each group, float64 (size,)."""
    by_row, by_column = values.sum(axis=1, dtype=float), values.sum(axis=0, dtype=float)
    gone = np.bincount(rows, by_row, size) + np.bincount(columns, by_column, size)
    return by_row.sum() - gone
