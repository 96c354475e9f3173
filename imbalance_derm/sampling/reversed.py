"""The rarer a class, the more often."""

from __future__ import annotations

import numpy as np

from imbalance_derm.sampling.contract import Sampler, SamplingContext
from imbalance_derm.sampling.decks import draw


class Reversed(Sampler):
    """Draw a class with probability ``(1 / n[class]) / sum(1 / n)``, then a row of it.

    It turns the imbalance around: a class with a tenth of another's rows is drawn ten times as
    often. A pass is as long as there are rows; within a class all are used before any is
    repeated. It feeds the re-balancing branch of a bilateral-branch network; as the only stream
    of a run it starves the frequent classes.

    References
    ----------
    Zhou et al. 2020, "BBN: Bilateral-Branch Network with Cumulative Learning for Long-Tailed
    Visual Recognition", arXiv 1912.02413: the reversed sampler, ``w[c] = max(n) / n[c]``.

    Examples
    --------
    >>> context = SamplingContext(labels=np.array([0] * 900 + [1] * 100), classes=2)
    >>> rows = Reversed().order(context, np.random.default_rng(0))
    >>> int((context.labels[rows] == 1).sum()) in range(870, 931)  # 900 are expected
    True
    """

    def order(self, context: SamplingContext, rng: np.random.Generator) -> np.ndarray:
        """Return as many rows as there are."""
        return draw(context.labels, lambda n: 1 / n, rng)
