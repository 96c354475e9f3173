"""A classifier that takes the direct effect of the optimiser's momentum out of its logits."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional

from imbalance_derm.models.contract import Head, Outputs, Task


class Causal(Head):
    """De-confounded training, and the total direct effect (TDE) at test time.

    Features, weights and the mean feature are cut into K groups. With ``x_k`` the part of the
    features of an image, ``w_k`` that of a class's weight and ``d_k`` that of the mean direction,
    both ``x_k`` and ``d_k`` of length 1, training uses

    ``logit = tau / K * sum_k x_k . w_k / (|w_k| + gamma)``

    and evaluation puts ``x_k - alpha * (x_k . d_k) * d_k`` in the place of ``x_k``: what the
    image shares with the average image, which is mostly one of a frequent class, is taken out.

    Parameters
    ----------
    tau : float
        Scale of the logits.
    groups : int
        Number K of groups of features.
    gamma : float
        Added to the length of each weight.
    alpha : float
        How much of the mean direction is taken out in evaluation; 0 takes out nothing.
    momentum : float
        Of the moving average of the features of training batches.
    dropout : float
        Share of features dropped in training; as large as that of ``single_task``, so that runs
        differ in the classifier alone.

    Notes
    -----
    The moving average starts at zero, and only its direction counts. It is taken of features
    before dropout and kept in the buffer ``mean``. The authors' code moves their momentum from
    0.9 towards 1 with the learning rate on the larger data sets; here it stays. `alpha` is
    theirs for CIFAR-100-LT; they take 1 for CIFAR-10-LT and 3 for ImageNet-LT. It has no part
    in training. Where `groups` does not divide the number of features, the first groups are
    larger by one.

    References
    ----------
    Tang et al. 2020, "Long-Tailed Classification by Keeping the Good and Removing the Bad
    Momentum Causal Effect", arXiv 2009.12991, section 4, and its code.

    Examples
    --------
    >>> head = Causal(Task(8, ("benign", "malignant")))
    >>> _ = head.train()(torch.ones(3, 8))
    >>> head.mean
    tensor([0.1000, 0.1000, 0.1000, 0.1000, 0.1000, 0.1000, 0.1000, 0.1000])
    """

    mean: torch.Tensor

    def __init__(
        self,
        task: Task,
        *,
        tau: Annotated[float, Field(gt=0)] = 16.0,
        groups: Annotated[int, Field(ge=1)] = 2,
        gamma: Annotated[float, Field(ge=0)] = 1 / 32,
        alpha: Annotated[float, Field(ge=0)] = 1.5,
        momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9,
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2,
    ) -> None:
        super().__init__()
        self.tau = tau
        self.groups = groups
        self.gamma = gamma
        self.alpha = alpha
        self.momentum = momentum
        self.dropout = nn.Dropout(dropout)
        self.lesion = nn.Linear(task.features, len(task.classes), bias=False)
        self.register_buffer("mean", torch.zeros(task.features))

    def forward(self, features: torch.Tensor) -> Outputs:
        """Return the logits: confounded in training, the total direct effect in evaluation."""
        if self.training:
            batch_mean = features.detach().mean(dim=0).to(self.mean.dtype)
            self.mean.lerp_(batch_mean, 1 - self.momentum)
        parts = [
            self._similarity(*part)
            for part in zip(
                self.dropout(features).tensor_split(self.groups, dim=1),
                self.lesion.weight.tensor_split(self.groups, dim=1),
                self.mean.tensor_split(self.groups),
                strict=True,
            )
        ]
        return Outputs(self.tau * torch.stack(parts).mean(dim=0))

    def _similarity(
        self, features: torch.Tensor, weights: torch.Tensor, mean: torch.Tensor
    ) -> torch.Tensor:
        """Return the share of one group in the logits, of shape (n, classes)."""
        x = functional.normalize(features, dim=1)
        if not self.training:
            direction = functional.normalize(mean, dim=0)
            x = x - self.alpha * (x @ direction)[:, None] * direction
        return functional.linear(x, weights / (weights.norm(dim=1, keepdim=True) + self.gamma))
