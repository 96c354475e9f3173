"""The same order of rows at every pass."""

from __future__ import annotations

import numpy as np

from imbalance_derm.sampling.contract import Sampler, SamplingContext


class InOrder(Sampler):
    """Every row once per pass, in an order that is drawn once for all passes.

    Real and synthetic rows are mixed before training and never again, as in the public code of
    paper A. It is there to repeat such results; ``shuffle`` is what one wants otherwise.

    Notes
    -----
    What a pass leaves below a whole batch is dropped, so that the same few rows are never fed.

    References
    ----------
    Zunair and Ben Hamza 2020, arXiv 2004.06824, whose code trains with ``shuffle=False``.

    Examples
    --------
    >>> context = SamplingContext(labels=np.array([0, 0, 1]), classes=2)
    >>> passes = [InOrder().order(context, np.random.default_rng(n)).tolist() for n in range(3)]
    >>> sorted(passes[0]), passes[0] == passes[1] == passes[2]
    ([0, 1, 2], True)
    """

    def order(self, context: SamplingContext, rng: np.random.Generator) -> np.ndarray:
        """Return the one permutation of all rows that the training's seed gives."""
        return np.random.default_rng(context.seed).permutation(len(context.labels))
