"""One linear layer for the lesion class."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from imbalance_derm.models.contract import Head, Outputs, Task


class SingleTask(Head):
    """Dropout and one linear layer from features (n, d) to logits (n, classes).

    Parameters
    ----------
    dropout : float
        Share of features dropped in training.

    Examples
    --------
    >>> head = SingleTask(Task(features=8, classes=("benign", "malignant")))
    >>> head(torch.zeros(3, 8)).logits.shape
    torch.Size([3, 2])
    """

    def __init__(self, task: Task, *, dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.lesion = nn.Linear(task.features, len(task.classes))

    @property
    def linear(self) -> nn.Linear:
        """The layer behind the logits."""
        return self.lesion

    def forward(self, features: torch.Tensor) -> Outputs:
        """Return the lesion logits."""
        return Outputs(self.lesion(self.dropout(features)))
