"""Class-balanced focal loss."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field

from imbalance_derm.losses.class_weights import effective_number_weights
from imbalance_derm.losses.contract import Loss, LossContext
from imbalance_derm.losses.focal import Focal


class ClassBalancedFocal(Loss):
    """Focal loss, each class weighted by its inverse effective number of images.

    ``-w[label] * (1 - p[label]) ** gamma * log p[label]`` with
    ``w[c] = (1 - beta) / (1 - beta ** counts[c])``, scaled to sum to the number of classes that
    are fed.

    Parameters
    ----------
    gamma : float
        How much less an easy example counts; 0 gives class-balanced cross-entropy.
    beta : float
        Of the effective number: 0 gives focal loss, towards 1 the weights are the inverse class
        frequencies.

    Notes
    -----
    The paper sums focal terms of one sigmoid per class. Here they are of the softmax, as in
    loss ``focal``, because predicted probabilities are softmaxes of the logits.

    The counts are those of the images that are fed: where the sampler balances the classes
    already, the weights do not do it again. A class that is never fed has weight 0.

    References
    ----------
    Cui et al. 2019, "Class-Balanced Loss Based on Effective Number of Samples",
    arXiv 1901.05555; beta 0.9999 is one of their values. Gamma 2: Lin et al. 2017,
    arXiv 1708.02002.

    Examples
    --------
    >>> context = LossContext(class_counts=torch.tensor([3.0, 1.0]))
    >>> ClassBalancedFocal(beta=0.5)(torch.zeros(2, 2), torch.tensor([0, 1]), context)
    tensor([0.1260, 0.2205])
    """

    counts = "fed"

    def __init__(
        self,
        *,
        gamma: Annotated[float, Field(ge=0)] = 2.0,
        beta: Annotated[float, Field(ge=0, lt=1)] = 0.9999,
    ) -> None:
        super().__init__()
        self.focal = Focal(gamma=gamma)
        self.beta = beta

    def forward(
        self, logits: torch.Tensor, labels: torch.Tensor, context: LossContext
    ) -> torch.Tensor:
        """Return the class-balanced focal loss, shape (n,)."""
        weights = effective_number_weights(context.class_counts, self.beta)
        values: torch.Tensor = self.focal(logits, labels, context)
        return weights[labels] * values
