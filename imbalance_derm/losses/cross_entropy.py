"""Cross-entropy, plain and weighted by class."""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch.nn import functional

from imbalance_derm.losses.class_weights import (
    effective_number_weights,
    inverse_frequency_weights,
)
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
    """Cross-entropy in which a rare class weighs more: ``w[label] * -log p[label]``.

    ``w[c] = (N / counts[c]) ** power``, with power 1 for ``inverse`` and 1/2 for ``sqrt``; or
    ``w[c] = (1 - beta) / (1 - beta ** counts[c])`` for ``effective``. All are scaled so that an
    example drawn from the fed images has mean weight 1.

    Parameters
    ----------
    weighting : {"inverse", "sqrt", "effective"}
        Inverse class frequency, its square root, or the inverse effective number of images.
    beta : float
        Of the effective number: 0 weighs all classes alike, towards 1 they weigh by inverse
        frequency. The other weightings do not use it.

    Notes
    -----
    PyTorch divides by the weights of each batch; here the scale is fixed, so that a batch of
    rare lesions only does count for more. A class that is never fed gets weight 0.

    Cui et al. scale their weights to sum to the number of classes; that differs by a constant
    factor. Here the three weightings share one scale, so that they share one learning rate.

    References
    ----------
    King and Zeng 2001, "Logistic Regression in Rare Events Data", Political Analysis 9:137.
    Effective number: Cui et al. 2019, "Class-Balanced Loss Based on Effective Number of
    Samples", arXiv 1901.05555; beta 0.9999 is one of their values.

    Examples
    --------
    >>> context = LossContext(class_counts=torch.tensor([3.0, 1.0]))
    >>> WeightedCrossEntropy()(torch.zeros(2, 2), torch.tensor([0, 1]), context)
    tensor([0.4621, 1.3863])
    """

    counts = "fed"

    def __init__(
        self,
        *,
        weighting: Literal["inverse", "sqrt", "effective"] = "inverse",
        beta: Annotated[float, Field(ge=0, lt=1)] = 0.9999,
    ) -> None:
        super().__init__()
        self.power = {"inverse": 1.0, "sqrt": 0.5, "effective": None}[weighting]
        self.beta = beta

    def forward(
        self, logits: torch.Tensor, labels: torch.Tensor, context: LossContext
    ) -> torch.Tensor:
        """Return the weighted cross-entropy, shape (n,)."""
        counts = context.class_counts
        if self.power is None:
            weights = effective_number_weights(counts, self.beta)
        else:
            weights = inverse_frequency_weights(counts, self.power)
        frequency = counts / counts.sum()
        weights = weights / (frequency * weights).sum()
        return weights[labels] * functional.cross_entropy(logits, labels, reduction="none")
