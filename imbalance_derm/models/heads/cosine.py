"""A classifier that compares directions."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional

from imbalance_derm.models.contract import Head, Outputs, Task


class Cosine(Head):
    """``logits[c] = scale * cos(w[c], x)`` from features x (n, d) to logits (n, classes).

    A linear layer learns longer weights for frequent classes; here the length of a weight, the
    length of the features and a bias have no say.

    Parameters
    ----------
    scale : float
        Factor on the cosines. For loss ``ldam``, which scales them itself, 1.
    learn_scale : bool
        Learn the factor, beginning at `scale`.
    dropout : float
        Share of features dropped in training; as large as that of ``single_task``, so that runs
        differ in the classifier alone.

    Notes
    -----
    A zero vector has cosine 0 with every class. In Liu et al. features are not quite normalised
    (their length is squashed to below 1), and Gidaris and Komodakis learn a bias, too, that all
    classes share and the softmax ignores.

    References
    ----------
    Gidaris and Komodakis 2018, "Dynamic Few-Shot Visual Learning without Forgetting",
    arXiv 1804.09458: the learned scale, from 10. Scale 16: Liu et al. 2019, "Large-Scale
    Long-Tailed Recognition in an Open World", arXiv 1904.05160, and its code. As the classifier
    under margins: Cao et al. 2019, arXiv 1906.07413, in its code.

    Examples
    --------
    >>> head = Cosine(Task(8, ("benign", "malignant")))
    >>> bool((head(torch.randn(3, 8)).logits.abs() <= 16).all())
    True
    """

    def __init__(
        self,
        task: Task,
        *,
        scale: Annotated[float, Field(gt=0)] = 16.0,
        learn_scale: bool = False,
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2,
    ) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.lesion = nn.Linear(task.features, len(task.classes), bias=False)
        self.initial_scale = scale
        self.scale = nn.Parameter(torch.tensor(float(scale))) if learn_scale else scale

    def reset_parameters(self) -> None:
        """Set a learned scale back to where it began."""
        if isinstance(self.scale, nn.Parameter):
            nn.init.constant_(self.scale, self.initial_scale)

    def forward(self, features: torch.Tensor) -> Outputs:
        """Return the scaled cosines."""
        directions = functional.normalize(self.dropout(features), dim=1)
        weights = functional.normalize(self.lesion.weight, dim=1)
        return Outputs(self.scale * functional.linear(directions, weights))
