"""A branch of a head: layers of its own on features that it shares with other branches."""

from __future__ import annotations

from torch import nn


def make_branch(features: int, classes: int, dropout: float) -> nn.Sequential:
    """Return dropout, a linear layer as wide as the features, ReLU and a linear layer to logits.

    Examples
    --------
    >>> import torch
    >>> make_branch(features=8, classes=2, dropout=0.0)(torch.zeros(3, 8)).shape
    torch.Size([3, 2])
    """
    return nn.Sequential(
        nn.Dropout(dropout),
        nn.Linear(features, features),
        nn.ReLU(),
        nn.Linear(features, classes),
    )
