"""Holm's step-down adjustment of the p-values of a family of tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from imbalance_derm.errors import InputError


def holm(p_values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return adjusted p-values: reject those below a level, and any error is rarer than the level.

    ``p*_(i) = max over j <= i of min(1, (m - j + 1) p_(j))``, the p-values in rising order. It
    holds whatever the dependence between the tests, and rejects all that Bonferroni rejects.

    Parameters
    ----------
    p_values : array of float, shape (m,)

    Returns
    -------
    ndarray of float64, shape (m,)
        In the order given.

    Raises
    ------
    InputError
        A p-value is not between 0 and 1.

    References
    ----------
    Holm 1979, "A simple sequentially rejective multiple test procedure", Scandinavian Journal
    of Statistics 6:65.

    Examples
    --------
    >>> holm([0.25, 0.0625, 0.125]).tolist()
    [0.25, 0.1875, 0.25]
    """
    values = np.asarray(p_values, dtype=np.float64)
    for value in values:
        if not 0 <= value <= 1:
            raise InputError(
                f"{value} is no p-value and cannot be adjusted; leave out tests without a result"
            )
    order = np.argsort(values, kind="stable")
    steps = np.arange(len(values), 0, -1) * values[order]
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted
