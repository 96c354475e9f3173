"""Every row once per pass."""

from __future__ import annotations

import numpy as np

from imbalance_derm.sampling.contract import Sampler, SamplingContext


class Shuffle(Sampler):
    """Every row once per pass, in random order.

    Examples
    --------
    >>> context = SamplingContext(labels=np.array([0, 0, 1]), classes=2)
    >>> sorted(Shuffle().order(context, np.random.default_rng(0)).tolist())
    [0, 1, 2]
    """

    def order(self, context: SamplingContext, rng: np.random.Generator) -> np.ndarray:
        """Return a permutation of all rows."""
        return rng.permutation(len(context.labels))
