"""Classes by a power of their frequency."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from imbalance_derm.sampling.contract import Sampler, SamplingContext
from imbalance_derm.sampling.decks import draw


class SquareRoot(Sampler):
    """Draw a class with probability ``n[class] ** q / sum(n ** q)``, then a row of it.

    ``n`` are the numbers of rows that are fed, synthetic ones included. A pass is as long as
    there are rows; within a class all are used before any is repeated.

    Parameters
    ----------
    q : float
        1/2 is square-root sampling; 1 leaves the frequencies as they are, 0 makes the classes
        equally likely.

    References
    ----------
    Kang et al. 2020, "Decoupling Representation and Classifier", arXiv 1910.09217, eq. 1.

    Examples
    --------
    >>> context = SamplingContext(labels=np.array([0] * 900 + [1] * 100), classes=2)
    >>> rows = SquareRoot().order(context, np.random.default_rng(0))
    >>> int((context.labels[rows] == 1).sum()) in range(200, 301)  # 250 are expected
    True
    """

    def __init__(self, *, q: Annotated[float, Field(ge=0, le=1)] = 0.5) -> None:
        self.q = q

    def order(self, context: SamplingContext, rng: np.random.Generator) -> np.ndarray:
        """Return as many rows as there are."""
        return draw(context.labels, lambda n: n**self.q, rng)
