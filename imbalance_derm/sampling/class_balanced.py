"""Every class equally often."""

from __future__ import annotations

import numpy as np

from imbalance_derm.sampling.contract import Sampler, SamplingContext
from imbalance_derm.sampling.decks import deal


class ClassBalanced(Sampler):
    """Draw a class uniformly, then a row of it: ``p[row] = 1 / (classes * n[class])``.

    A pass is as long as there are rows. Within a class the rows are gone through in random
    order before any is repeated, so that rare images are used evenly.

    References
    ----------
    Kang et al. 2020, "Decoupling Representation and Classifier", arXiv 1910.09217, eq. 1, q = 0.

    Examples
    --------
    >>> context = SamplingContext(labels=np.array([0] * 90 + [1] * 10), classes=2)
    >>> rows = ClassBalanced().order(context, np.random.default_rng(0))
    >>> len(rows), int((context.labels[rows] == 1).sum()) in range(35, 66)
    (100, True)
    """

    def order(self, context: SamplingContext, rng: np.random.Generator) -> np.ndarray:
        """Return as many rows as there are, classes being equally likely."""
        drawn = rng.choice(np.unique(context.labels), size=len(context.labels))
        return deal(context.labels, drawn, rng)
