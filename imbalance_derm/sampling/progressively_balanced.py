"""From the rows' own class frequencies to equal ones."""

from __future__ import annotations

import numpy as np

from imbalance_derm.sampling.contract import Sampler, SamplingContext
from imbalance_derm.sampling.decks import draw


class ProgressivelyBalanced(Sampler):
    """Draw a class with ``p[c] = (1 - t) * n[c] / sum(n) + t / classes``, then a row of it.

    ``t`` is the share of the training budget that is spent when the pass begins, ``n`` are the
    numbers of rows that are fed, and ``classes`` is how many classes have rows. Training begins
    with instance-balanced and ends with class-balanced sampling. A pass is as long as there are
    rows; within a class all are used before any is repeated.

    Notes
    -----
    In the paper ``t`` is the epoch over the number of epochs. Here it is the share of the
    updates of all training stages, as of the beginning of a pass: in a short training of few
    passes it moves in steps and does not quite reach 1.

    References
    ----------
    Kang et al. 2020, "Decoupling Representation and Classifier", arXiv 1910.09217, eq. 2.

    Examples
    --------
    >>> labels = np.array([0] * 900 + [1] * 100)
    >>> half = SamplingContext(labels, classes=2, progress=0.5)
    >>> rows = ProgressivelyBalanced().order(half, np.random.default_rng(0))
    >>> int((labels[rows] == 1).sum()) in range(250, 351)  # 300 are expected
    True
    """

    def order(self, context: SamplingContext, rng: np.random.Generator) -> np.ndarray:
        """Return as many rows as there are."""
        t = context.progress
        return draw(context.labels, lambda n: (1 - t) * n / n.sum() + t / len(n), rng)
