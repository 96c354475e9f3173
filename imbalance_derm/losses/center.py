"""Center loss on features."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch.nn import functional

from imbalance_derm.errors import InputError
from imbalance_derm.losses.contract import Loss, LossContext
from imbalance_derm.losses.features import features_of


class Center(Loss):
    """Cross-entropy plus the distance from the centre of the class: ``CE + weight/2 |x - c|^2``.

    `x` are the features and ``c = centres[label]``. In training mode every call then moves the
    centres of the classes in the batch towards their examples:
    ``c[j] -= alpha * sum_{i in j} (c[j] - x[i]) / (1 + n[j])``, with ``n[j]`` the examples of
    class `j` in the batch.

    Parameters
    ----------
    weight : float
        Lambda of the paper; 0 gives cross-entropy.
    alpha : float
        How fast the centres move.

    Attributes
    ----------
    centres : Tensor of float32, shape (classes, d), or None
        Goes into checkpoints; None before :meth:`prepare`.

    Notes
    -----
    Centres start at 0. They move with every call in training mode: twice an update with an
    optimiser that evaluates its objective twice, and towards mixtures, by both labels, with a
    mixer. Processes that train together have centres of their own.

    References
    ----------
    Wen et al. 2016, "A Discriminative Feature Learning Approach for Deep Face Recognition",
    ECCV, eqs. 2 and 4; weight 0.003 and alpha 0.5 are theirs.

    Examples
    --------
    >>> loss = Center(weight=1.0)
    >>> loss.prepare(classes=2, features=1)
    >>> context = LossContext(torch.tensor([2.0, 1.0]), features=torch.tensor([[2.0], [4.0]]))
    >>> loss(torch.zeros(2, 2), torch.tensor([0, 0]), context)
    tensor([2.6931, 8.6931])
    >>> loss.centres
    tensor([[1.],
            [0.]])
    """

    centres: torch.Tensor | None

    def __init__(
        self,
        *,
        weight: Annotated[float, Field(ge=0)] = 0.003,
        alpha: Annotated[float, Field(ge=0, le=1)] = 0.5,
    ) -> None:
        super().__init__()
        self.weight = weight
        self.alpha = alpha
        self.register_buffer("centres", None)

    def prepare(self, classes: int, features: int) -> None:
        """Put the centres at 0."""
        self.centres = torch.zeros(classes, features)

    def forward(
        self, logits: torch.Tensor, labels: torch.Tensor, context: LossContext
    ) -> torch.Tensor:
        """Return cross-entropy plus center loss, shape (n,); move the centres in training mode.

        Raises
        ------
        InputError
            The context has no features, or there are no centres yet.
        """
        features = features_of(context, "center").to(logits.dtype)
        if self.centres is None:
            raise InputError(
                "loss center has no centres yet, as where it is the loss of a second task; "
                "call prepare(classes, features) first"
            )
        distances = (features - self.centres[labels]).square().sum(dim=1)
        if self.training:
            _move(self.centres, features, labels, self.alpha)
        value = functional.cross_entropy(logits, labels, reduction="none")
        return value + self.weight / 2 * distances


@torch.no_grad()
def _move(
    centres: torch.Tensor, features: torch.Tensor, labels: torch.Tensor, alpha: float
) -> None:
    """Move `centres` (classes, d) in place towards the `features` (n, d) of their classes."""
    members = functional.one_hot(labels, len(centres)).to(centres.dtype)
    n = members.sum(dim=0)[:, None]
    summed = members.T @ features.to(centres.dtype)
    centres -= alpha * (n * centres - summed) / (1 + n)
