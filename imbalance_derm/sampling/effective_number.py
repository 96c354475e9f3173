"""Rows weighted by the effective number of images of their class."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import torch
from pydantic import Field

from imbalance_derm.losses.class_weights import effective_number_weights
from imbalance_derm.sampling.contract import Sampler, SamplingContext
from imbalance_derm.sampling.decks import draw


class EffectiveNumber(Sampler):
    """Weigh a row by ``1 / E[class]``, with ``E[c] = (1 - beta ** n[c]) / (1 - beta)``.

    A class is drawn with probability ``(n[c] / E[c]) / sum(n / E)``, then a row of it; ``n`` are
    the numbers of rows that are fed, synthetic ones included. A pass is as long as there are
    rows; within a class all are used before any is repeated.

    Parameters
    ----------
    beta : float
        0 leaves the frequencies as they are, towards 1 the classes become equally likely. Up to
        about ``1 / (1 - beta)`` rows a class counts as if each of its rows were new.

    Notes
    -----
    The paper weighs the loss with ``1 / E``; here rows are drawn as often instead, which is the
    same objective in expectation.

    References
    ----------
    Cui et al. 2019, "Class-Balanced Loss Based on Effective Number of Samples",
    arXiv 1901.05555.

    Examples
    --------
    >>> context = SamplingContext(labels=np.array([0] * 900 + [1] * 100), classes=2)
    >>> rows = EffectiveNumber(beta=0.999).order(context, np.random.default_rng(0))
    >>> int((context.labels[rows] == 1).sum()) in range(350, 451)  # 409 are expected
    True
    """

    def __init__(self, *, beta: Annotated[float, Field(ge=0, lt=1)] = 0.9999) -> None:
        self.beta = beta

    def order(self, context: SamplingContext, rng: np.random.Generator) -> np.ndarray:
        """Return as many rows as there are."""
        return draw(context.labels, self._weigh, rng)

    def _weigh(self, counts: np.ndarray) -> np.ndarray:
        return counts * effective_number_weights(torch.from_numpy(counts), self.beta).numpy()
