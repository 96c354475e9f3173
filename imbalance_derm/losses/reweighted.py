"""A loss in which each class has a weight of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch

from imbalance_derm.losses.contract import Loss, LossContext


class Reweighted(Loss):
    """Another loss, times the weight of the example's class: ``w[label] * loss``.

    Parameters
    ----------
    loss : Loss
        Any loss.
    weights : callable
        ``weights(class_counts)`` gives one weight per class, on any scale.
    counts : {"real", "fed"}
        Which class counts `weights` and `loss` are given.

    Notes
    -----
    The weights are scaled so that an example drawn from the counted images has mean weight 1.
    PyTorch divides by the weights of each batch instead; with the fixed scale a batch of rare
    lesions only does count for more.

    Examples
    --------
    >>> from imbalance_derm.losses.cross_entropy import CrossEntropy
    >>> loss = Reweighted(CrossEntropy(), lambda counts: 1 / counts, "fed")
    >>> context = LossContext(class_counts=torch.tensor([3.0, 1.0]))
    >>> loss(torch.zeros(2, 2), torch.tensor([0, 1]), context)
    tensor([0.4621, 1.3863])
    """

    def __init__(
        self,
        loss: Loss,
        weights: Callable[[torch.Tensor], torch.Tensor],
        counts: Literal["real", "fed"],
    ) -> None:
        super().__init__()
        self.loss = loss
        self.weights = weights
        self.counts = counts  # type: ignore[misc]

    def prepare(self, classes: int, features: int) -> None:
        """Prepare the loss inside."""
        self.loss.prepare(classes, features)

    def forward(
        self, logits: torch.Tensor, labels: torch.Tensor, context: LossContext
    ) -> torch.Tensor:
        """Return the weighted loss, shape (n,)."""
        counts = context.class_counts
        weights = self.weights(counts)
        weights = weights * (counts.sum() / (counts * weights).sum())
        values: torch.Tensor = self.loss(logits, labels, context)
        return weights.to(values.dtype)[labels] * values
