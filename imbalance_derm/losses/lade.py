"""Label-distribution disentangling."""

from __future__ import annotations

import math
from typing import Annotated

import torch
from pydantic import Field
from torch.nn import functional

from imbalance_derm.losses.class_prior import log_prior
from imbalance_derm.losses.contract import Loss, LossContext


class LabelDistributionDisentangling(Loss):
    """Cross-entropy with the class prior, and logits drawn towards log density ratios (LADE).

    ``CE(z + log prior, label) - estim_loss_weight * sum_c prior[c] * B[c]`` for logits z. B is a
    regularised Donsker-Varadhan bound on the divergence of the images of class c from images
    of a population with equally many of each class, estimated from the batch:

    - ``B[c] = m[c] - s[c] - remine_lambda * s[c] ** 2``,
    - ``m[c]``: mean of ``z[i, c]`` over the rows i of class c,
    - ``s[c]``: log of the mean over all rows of ``exp(z[i, c]) / (classes * prior[c])``.

    Parameters
    ----------
    remine_lambda : float
        Weight of the square that holds ``s`` at 0; without it the bound does not change when a
        constant is added to the logits of a class.
    estim_loss_weight : float
        Weight of the bound; 0 gives balanced softmax.

    Notes
    -----
    As in the authors' code, ``s`` divides by the prior of the class whose logit it is. Weighting
    each row by the prior of its own label is the unbiased importance weight; the two agree where
    the classes are well separated. Also as there, a class that is missing from the batch has
    ``m = 0`` and keeps its ``s``.

    The bound is one number for the batch and is added to every example. The counts are those of
    the images that are fed, because the batch is a sample of these. A class that is never fed
    has a prior of 1e-12 in the logarithms and no bound.

    References
    ----------
    Hong et al. 2021, "Disentangling Label Distribution for Long-tailed Visual Recognition",
    arXiv 2012.00321, eq. 16 (the bound), 19 and 20. Both weights are 0.1 in their configuration
    for CIFAR-100-LT and differ between data sets.

    Examples
    --------
    >>> context = LossContext(class_counts=torch.tensor([1.0, 1.0]))
    >>> logits, labels = torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 1])
    >>> LabelDistributionDisentangling(estim_loss_weight=0.0)(logits, labels, context)
    tensor([0.3133, 0.3133])
    >>> LabelDistributionDisentangling()(logits, labels, context)
    tensor([0.2791, 0.2791])
    """

    counts = "fed"

    def __init__(
        self,
        *,
        remine_lambda: Annotated[float, Field(ge=0)] = 0.1,
        estim_loss_weight: Annotated[float, Field(ge=0)] = 0.1,
    ) -> None:
        super().__init__()
        self.remine_lambda = remine_lambda
        self.estim_loss_weight = estim_loss_weight

    def forward(
        self, logits: torch.Tensor, labels: torch.Tensor, context: LossContext
    ) -> torch.Tensor:
        """Return the cross-entropy of each example less the weighted bound, shape (n,)."""
        shift = log_prior(context.class_counts)
        values = functional.cross_entropy(logits + shift, labels, reduction="none")
        prior = context.class_counts / context.class_counts.sum()
        bound = (prior * self._bounds(logits, labels, shift)).sum()
        return values - self.estim_loss_weight * bound

    def _bounds(
        self, logits: torch.Tensor, labels: torch.Tensor, shift: torch.Tensor
    ) -> torch.Tensor:
        """Return B of each class, shape (classes,)."""
        rows, classes = logits.shape
        own = functional.one_hot(labels, classes)
        means = (own * logits).sum(dim=0) / own.sum(dim=0).clamp(min=1)
        log_means = (logits - shift).logsumexp(dim=0) - math.log(rows * classes)
        return means - log_means - self.remine_lambda * log_means**2
