"""Cross-entropy, plain and weighted by class."""

from __future__ import annotations

from typing import Literal

import torch
from torch.nn import functional

from imbalance_derm.losses.contract import Loss, LossContext


class CrossEntropy(Loss):
    """Cross-entropy of the softmax: ``-log p[label]``.

    Examples
    --------
    >>> context = LossContext(class_counts=torch.tensor([3.0, 1.0]))
    >>> CrossEntropy()(torch.zeros(1, 2), torch.tensor([1]), context)
    tensor([0.6931])
    """

    def forward(
        self, logits: torch.Tensor, labels: torch.Tensor, context: LossContext
    ) -> torch.Tensor:
        """Return ``-log softmax(logits)[label]``, shape (n,)."""
        return functional.cross_entropy(logits, labels, reduction="none")


class WeightedCrossEntropy(Loss):
    """Cross-entropy in which each class weighs by its inverse frequency.

    ``w[c] = (N / counts[c]) ** power``, with power 1 for ``inverse`` and 1/2 for ``sqrt``,
    scaled so that an example drawn from the fed images has mean weight 1. The loss is
    ``w[label] * -log p[label]``.

    Parameters
    ----------
    weighting : {"inverse", "sqrt"}
        Inverse class frequency, or its square root.

    Notes
    -----
    PyTorch divides by the weights of each batch; here the scale is fixed, so that a batch of
    rare lesions only does count for more. A class that is never fed gets weight 0.

    References
    ----------
    King and Zeng 2001, "Logistic Regression in Rare Events Data", Political Analysis 9:137.

    Examples
    --------
    >>> context = LossContext(class_counts=torch.tensor([3.0, 1.0]))
    >>> WeightedCrossEntropy()(torch.zeros(2, 2), torch.tensor([0, 1]), context)
    tensor([0.4621, 1.3863])
    """

    counts = "fed"

    def __init__(self, *, weighting: Literal["inverse", "sqrt"] = "inverse") -> None:
        super().__init__()
        self.power = {"inverse": 1.0, "sqrt": 0.5}[weighting]

    def forward(
        self, logits: torch.Tensor, labels: torch.Tensor, context: LossContext
    ) -> torch.Tensor:
        """Return the weighted cross-entropy, shape (n,)."""
        frequency = context.class_counts / context.class_counts.sum()
        weights = torch.where(frequency > 0, frequency.clamp(min=1e-12) ** -self.power, 0.0)
        weights = weights / (frequency * weights).sum()
        return weights[labels] * functional.cross_entropy(logits, labels, reduction="none")
