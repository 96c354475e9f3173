"""Shares and means with intervals that hold where images depend on each other."""

from __future__ import annotations

import numpy as np

from imbalance_derm.evaluation.intervals import paired_mean_interval, wilson
from imbalance_derm.experiment.record import Figure


def grouped_mean(values: np.ndarray, groups: np.ndarray, seed: int = 0) -> Figure | None:
    """Return the mean with its bootstrap interval over groups; no interval from one group.

    Parameters
    ----------
    values : ndarray of float, shape (n,)
    groups : ndarray, shape (n,)
        Values of one group, such as samples of one source, are drawn together.

    Returns
    -------
    Figure or None
        None where there is no value.

    Examples
    --------
    >>> grouped_mean(np.array([0.25, 0.75]), np.array(["a", "a"]))
    Figure(value=0.5, low=None, high=None)
    """
    if len(values) == 0:
        return None
    if len(np.unique(groups)) < 2:
        return Figure(float(np.mean(values)))
    return paired_mean_interval(np.asarray(values, np.float64), groups, seed)


def grouped_share(flags: np.ndarray, groups: np.ndarray, seed: int = 0) -> Figure | None:
    """Return the share of true flags with its interval over groups.

    The bootstrap, but Wilson's interval of as many independent trials as there are groups where
    all flags agree: then resampling says that nothing varies.

    Examples
    --------
    >>> share = grouped_share(np.zeros(20, bool), np.arange(20))
    >>> share.value, round(share.low, 3), round(share.high, 3)
    (0.0, 0.0, 0.161)
    """
    figure = grouped_mean(flags, groups, seed)
    if figure is None or 0.0 < figure.value < 1.0:
        return figure
    count = len(np.unique(groups))
    return Figure(figure.value, *wilson(count if figure.value else 0, count))
