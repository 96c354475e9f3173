"""Several centres per class, and which of them a feature belongs to."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

MOMENTUM = 0.9
"""Of the running mean of a class, per batch that has rows of it."""


class ClassCentres(nn.Module):
    """Centres ``c[l, k] = mean[l] + offset[l, k]`` of each class, and a soft assignment to them.

    The mean is a running one, the offsets are learned. A feature ``x`` of class ``l`` belongs to
    centre ``k`` with the probability ``gamma[k] = softmax(A[l] @ x + b[l])[k]``.

    Parameters
    ----------
    classes, features : int
        Number of classes, and columns of the features.
    centres : int
        Per class.

    Examples
    --------
    >>> centres = ClassCentres(classes=3, features=8, centres=5)
    >>> x, labels = torch.ones(2, 8), torch.tensor([0, 2])
    >>> centres.follow(x, labels)
    >>> centres(x, labels).shape, float(centres.loss(x, labels).detach())
    (torch.Size([2, 5]), 0.0)
    """

    means: torch.Tensor
    seen: torch.Tensor

    def __init__(self, classes: int, features: int, centres: int) -> None:
        super().__init__()
        # The authors' weights have variance 1; pooled features are wider than theirs.
        weight = torch.randn(classes, centres, features) / features**0.5
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(torch.zeros(classes, centres))
        self.offsets = nn.Parameter(torch.zeros(classes, centres, features))
        self.register_buffer("means", torch.zeros(classes, features))
        self.register_buffer("seen", torch.zeros(classes, dtype=torch.bool))

    @torch.no_grad()
    def follow(self, features: torch.Tensor, labels: torch.Tensor) -> None:
        """Move the running mean of each class towards the mean of its rows, if it has any."""
        members = functional.one_hot(labels, len(self.means)).to(features.dtype)
        counts = members.sum(dim=0)
        means = members.T @ features / counts.clamp(min=1)[:, None]
        rate = torch.where(self.seen, 1 - MOMENTUM, 1.0) * (counts > 0)
        self.means.lerp_(means, rate[:, None].to(means.dtype))
        self.seen |= counts > 0

    def forward(self, features: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the probabilities (n, centres) of the centres of each row's class."""
        logits = torch.einsum("nkd,nd->nk", self.weight[labels], features) + self.bias[labels]
        return logits.softmax(dim=1)

    def loss(self, features: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the mean of ``sum_k gamma[k] * ||x - c[k]||^2``, shape ()."""
        away = (features - self.means[labels])[:, None] - self.offsets[labels]
        return (self(features, labels) * away.square().sum(dim=2)).sum(dim=1).mean()

    @torch.no_grad()
    def nearest(self, features: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the most probable centre of each row, (n, features); nothing is learned."""
        chosen = self(features, labels).argmax(dim=1)
        return self.means[labels] + self.offsets[labels, chosen]
