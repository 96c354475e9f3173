"""Seesaw loss."""

from __future__ import annotations

import math
from typing import Annotated

import torch
from pydantic import Field
from torch.nn import functional

from imbalance_derm.losses.contract import Loss, LossContext

_LEAST_PROBABILITY = 1e-2
"""Of the label, in the compensation: bounds it for examples that are far off."""


class Seesaw(Loss):
    """Cross-entropy in which each pair of classes has its own weight in the denominator.

    ``-log(exp(z[i]) / sum_j S[i, j] exp(z[j]))`` for label `i`, with ``S = M * C``:

    - mitigation ``M[i, j] = min(1, n[j] / n[i]) ** p``: a frequent class pushes a rarer one down
      less;
    - compensation ``C[i, j] = max(1, P[j] / P[i]) ** q`` with the softmax `P`: a class that is
      mistaken for the label is pushed down all the same.

    Parameters
    ----------
    p : float
        Strength of the mitigation.
    q : float
        Strength of the compensation; with both 0 the loss is cross-entropy.

    Notes
    -----
    The paper counts the labels seen so far while it trains. Here the counts are those of one
    pass of what is fed, which that count tends to, so that the loss does not change with the
    place in training. A class that is never fed counts as one image.

    As in the authors' code no gradient goes through ``S``, and ``P[i]`` is at least 0.01.

    References
    ----------
    Wang et al. 2021, "Seesaw Loss for Long-Tailed Instance Segmentation", arXiv 2008.10032;
    p 0.8 and q 2 are theirs.

    Examples
    --------
    >>> context = LossContext(class_counts=torch.tensor([3.0, 1.0]))
    >>> Seesaw(p=1.0)(torch.zeros(2, 2), torch.tensor([0, 1]), context)  # log(4 / 3), log(2)
    tensor([0.2877, 0.6931])
    """

    counts = "fed"

    def __init__(
        self,
        *,
        p: Annotated[float, Field(ge=0)] = 0.8,
        q: Annotated[float, Field(ge=0)] = 2.0,
    ) -> None:
        super().__init__()
        self.p = p
        self.q = q

    def forward(
        self, logits: torch.Tensor, labels: torch.Tensor, context: LossContext
    ) -> torch.Tensor:
        """Return the seesaw loss, shape (n,)."""
        # In logarithms; both terms are 0 for the label itself.
        log_n = context.class_counts.clamp(min=1.0).log()
        mitigation = (log_n - log_n[labels, None]).clamp(max=0.0)
        log_p = functional.log_softmax(logits.detach(), dim=1)
        own = log_p.gather(1, labels[:, None]).clamp(min=math.log(_LEAST_PROBABILITY))
        compensation = (log_p - own).clamp(min=0.0)
        weights = self.p * mitigation + self.q * compensation
        return functional.cross_entropy(logits + weights, labels, reduction="none")
