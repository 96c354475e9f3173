"""What moves a frequent class's displacement to a rare class, and what judges it."""

from __future__ import annotations

import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional


class PairClassifier(nn.Module):
    """Tells from two features whether they are of one class; two layers with a ReLU.

    Parameters
    ----------
    features : int
        Columns of the features.
    width : int
        Of the hidden layer.

    Examples
    --------
    >>> judge = PairClassifier(features=8, width=4)
    >>> judge.loss(torch.ones(5, 8), torch.ones(5, 8), torch.ones(5).long()).shape
    torch.Size([])
    """

    def __init__(self, features: int, width: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(2 * features, width)
        self.output = nn.Linear(width, 2)

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """Return logits (n, 2) for pairs of features (n, d): of two classes, of one."""
        hidden: torch.Tensor = self.hidden(torch.cat([first, second], dim=1))
        logits: torch.Tensor = self.output(hidden.relu())
        return logits

    def loss(self, first: torch.Tensor, second: torch.Tensor, same: torch.Tensor) -> torch.Tensor:
        """Return the mean cross-entropy, shape (); `same`, int64 (n,), is 1 for one class."""
        return functional.cross_entropy(self(first, second), same)

    def unlikeness(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """Return the loss of "two classes", shape (); the features learn from it, not this."""
        fixed = {name: parameter.detach() for name, parameter in self.named_parameters()}
        logits: torch.Tensor = functional_call(self, fixed, (first, second))
        return -functional.log_softmax(logits, dim=1)[:, 0].mean()


def vector_loss(moved: torch.Tensor, frequent: torch.Tensor, rare: torch.Tensor) -> torch.Tensor:
    """Return the mean of ``| ||moved|| - ||frequent|| | + 1 - cos(moved, rare)``, shape ().

    Parameters
    ----------
    moved : Tensor of float, shape (n, d)
        Transformed displacements.
    frequent, rare : Tensor of float, shape (n, d)
        Displacements of a frequent feature, before it is transformed, and of a rare one.

    Examples
    --------
    >>> along, across = torch.tensor([[3.0, 0.0]]), torch.tensor([[0.0, 5.0]])
    >>> vector_loss(along, across, along), vector_loss(along, along, across)
    (tensor(2.), tensor(1.))
    """
    norms = [torch.linalg.vector_norm(each, dim=1) for each in (moved, frequent)]
    length = (norms[0] - norms[1]).abs()
    return (length + 1 - functional.cosine_similarity(moved, rare, dim=1)).mean()
