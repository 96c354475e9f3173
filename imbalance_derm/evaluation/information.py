"""How much the body site says about the lesion class, in the data themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import entr

from imbalance_derm.evaluation.intervals import RESAMPLES, bootstrap, percentile_interval
from imbalance_derm.experiment.record import Figure


@dataclass(frozen=True, slots=True)
class SiteInformation:
    """Mutual information between lesion class and body site.

    Attributes
    ----------
    bits : Figure
        Mutual information, at least 0.
    share : Figure
        Of the entropy of the class, in [0, 1]: 1 where the site tells the class. Nan where all
        lesions are of one class.
    p_value : float
        That class and site are independent, by permutation.
    lesions : int
        Lesions whose site is known; the others count nowhere.
    """

    bits: Figure
    share: Figure
    p_value: float
    lesions: int


def site_information(
    labels: np.ndarray,
    sites: np.ndarray,
    lesions: np.ndarray,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> SiteInformation:
    """Return the mutual information between class and body site, with interval and p-value.

    Every lesion counts once, shared out over its photographs: these agree with each other and
    are no further evidence.

    Parameters
    ----------
    labels, sites : ndarray of int64, shape (n,)
        Class and body site of each image; -1 where the site is missing. A lesion has one class.
    lesions : ndarray, shape (n,)
        Lesion of each image, any ids.
    resamples : int
        Of the bootstrap, and permutations of the test.
    seed : int

    Notes
    -----
    The plug-in estimate ``I = H(class) + H(site) - H(class, site)`` is too high: chance gaps add
    up. To each entropy Miller's and Madow's ``(m - 1) / (2 N ln 2)`` bits are added, for the m
    cells that occur among N lesions. A negative result is told as 0.

    The interval is the basic bootstrap's, ``I - q``, with q the quantiles of the corrected
    estimate of a draw minus the plug-in estimate of the data, which are what is drawn from. A
    percentile interval would carry the chance gaps of data and draw. What Miller and Madow leave
    of the bias is taken out, so that in sparse tables (fewer than about ten lesions per cell)
    the interval can lie below the value.

    The test permutes the classes among the lesions and counts plug-in estimates as high as that
    of the data, the data's own included: the smallest p-value is ``1 / (resamples + 1)``.

    All of it is about the data, not about a model: it is what the site alone tells of the class.
    Beside the image it can tell less, or more.

    References
    ----------
    Miller 1955, "Note on the bias of information estimates", in Information Theory in
    Psychology. Basic bootstrap: Davison and Hinkley 1997, Bootstrap Methods and their
    Application, chapter 5.

    Examples
    --------
    >>> labels, sites = np.array([0, 1] * 20), np.array([0, 1] * 20)
    >>> found = site_information(labels, sites, np.arange(40), resamples=199)
    >>> round(found.bits.value, 3), found.share.value, found.p_value  # 1 bit + 1 / (80 ln 2)
    (1.018, 1.0, 0.005)
    """
    known = sites >= 0
    cells = _lesion_cells(labels[known], sites[known], lesions[known])
    if len(cells) == 0:
        nothing = Figure(float("nan"))
        return SiteInformation(nothing, nothing, float("nan"), 0)

    def statistic(weights: np.ndarray) -> np.ndarray:
        return _corrected(np.tensordot(weights, cells, axes=1))

    table = cells.sum(axis=0)[None]
    plain = mutual_information(table)
    share = _ratio(plain, _entropy(table.sum(axis=2)))
    draws = bootstrap(statistic, np.arange(len(cells)), resamples, seed)
    errors = draws - np.stack([plain, share], axis=1)
    values = _corrected(table)[0]
    return SiteInformation(
        _basic_interval(float(values[0]), errors[:, 0], np.inf),
        _basic_interval(float(values[1]), errors[:, 1], 1.0),
        _permutation_test(cells, resamples, seed),
        len(cells),
    )


def mutual_information(tables: np.ndarray) -> np.ndarray:
    """Return the plug-in mutual information between rows and columns in bits, (b,).

    Parameters
    ----------
    tables : ndarray of float64, shape (b, rows, columns)
        Contingency tables, none empty.

    Examples
    --------
    >>> mutual_information(np.array([[[5.0, 0.0], [0.0, 5.0]], [[1.0, 1.0], [1.0, 1.0]]])).tolist()
    [1.0, 0.0]
    """
    rows, columns, cells = _margins(tables)
    information: np.ndarray = _entropy(rows) + _entropy(columns) - _entropy(cells)
    return information


def _lesion_cells(labels: np.ndarray, sites: np.ndarray, lesions: np.ndarray) -> np.ndarray:
    """Return each lesion's part in the table, (lesions, classes, sites); it sums to 1."""
    (classes, of_class), (places, of_site), (names, of_lesion) = (
        np.unique(values, return_inverse=True) for values in (labels, sites, lesions)
    )
    photographs = np.bincount(of_lesion)
    cells = np.zeros((len(names), len(classes), len(places)))
    np.add.at(cells, (of_lesion, of_class, of_site), 1 / photographs[of_lesion])
    return cells


def _corrected(tables: np.ndarray) -> np.ndarray:
    """Return mutual information in bits and its share of the rows' entropy, (b, 2).

    Every entropy is corrected as by Miller and Madow.
    """

    def entropy(counts: np.ndarray) -> np.ndarray:
        occurring = np.count_nonzero(counts, axis=1)
        corrected: np.ndarray = _entropy(counts) + (occurring - 1) / (
            2 * np.log(2) * counts.sum(axis=1)
        )
        return corrected

    rows, columns, cells = _margins(tables)
    of_rows = entropy(rows)
    bits = of_rows + entropy(columns) - entropy(cells)
    return np.stack([bits, _ratio(bits, of_rows)], axis=1)


def _margins(tables: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return tables.sum(axis=2), tables.sum(axis=1), tables.reshape(len(tables), -1)


def _entropy(counts: np.ndarray) -> np.ndarray:
    """Return the plug-in entropy in bits, (b,), of counts (b, m)."""
    entropy: np.ndarray = entr(counts / counts.sum(axis=1, keepdims=True)).sum(axis=1) / np.log(2)
    return entropy


def _ratio(bits: np.ndarray, entropy: np.ndarray) -> np.ndarray:
    return np.divide(bits, entropy, out=np.full(len(bits), np.nan), where=entropy > 0)


def _basic_interval(value: float, errors: np.ndarray, most: float) -> Figure:
    """Return the figure and its basic bootstrap interval, kept within 0 and `most`."""
    low, high = percentile_interval(errors)
    if low is None or high is None:
        return Figure(max(value, 0.0))
    ends = np.clip([value - high, value - low], 0.0, most)
    return Figure(max(value, 0.0), float(ends[0]), float(ends[1]))


def _permutation_test(cells: np.ndarray, permutations: int, seed: int) -> float:
    of_class, of_site = cells.sum(axis=2), cells.sum(axis=1)
    rng = np.random.default_rng([seed, 1])
    tables = [of_class.T @ of_site]
    for _ in range(permutations):
        tables.append(of_class[rng.permutation(len(cells))].T @ of_site)
    found = mutual_information(np.stack(tables))
    return float(np.mean(found >= found[0] - 1e-12))
