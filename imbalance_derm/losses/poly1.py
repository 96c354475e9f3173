"""PolyLoss with one changed coefficient."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch.nn import functional

from imbalance_derm.losses.contract import Loss, LossContext


class Poly1(Loss):
    """Cross-entropy with its first polynomial term changed: ``-log p + epsilon * (1 - p)``.

    `p` is the probability of the label; cross-entropy is the sum of ``(1 - p) ** k / k``.

    Parameters
    ----------
    epsilon : float
        Added to the coefficient 1 of ``1 - p``; 0 gives cross-entropy, -1 drops the term.

    References
    ----------
    Leng et al. 2022, "PolyLoss: A Polynomial Expansion Perspective of Classification Loss
    Functions", arXiv 2204.12511; epsilon 2 is theirs for ImageNet.

    Examples
    --------
    >>> context = LossContext(class_counts=torch.tensor([3.0, 1.0]))
    >>> Poly1()(torch.zeros(1, 2), torch.tensor([1]), context)
    tensor([1.6931])
    """

    def __init__(self, *, epsilon: Annotated[float, Field(ge=-1)] = 2.0) -> None:
        super().__init__()
        self.epsilon = epsilon

    def forward(
        self, logits: torch.Tensor, labels: torch.Tensor, context: LossContext
    ) -> torch.Tensor:
        """Return ``-log p[label] + epsilon * (1 - p[label])``, shape (n,)."""
        value = functional.cross_entropy(logits, labels, reduction="none")
        return value - self.epsilon * torch.expm1(-value)
