"""Focal loss."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch.nn import functional

from imbalance_derm.errors import InputError
from imbalance_derm.losses.contract import Loss, LossContext


class Focal(Loss):
    """Focal loss: ``-alpha[label] * (1 - p[label]) ** gamma * log p[label]``.

    Parameters
    ----------
    gamma : float
        How much less an easy example counts; 0 gives cross-entropy.
    alpha : list of float
        One weight per class, in the order of the classes (sorted; in a binary problem the
        positive class is last). Empty: every class weighs 1.

    Notes
    -----
    MelaNet's alpha of 0.25 had no effect: each example was counted with alpha and with
    1 - alpha. What was trained is gamma 2 without alpha, the default here.

    References
    ----------
    Lin et al. 2017, "Focal Loss for Dense Object Detection", arXiv 1708.02002, eq. 5,
    with the softmax in place of the sigmoid.

    Examples
    --------
    >>> context = LossContext(class_counts=torch.tensor([3.0, 1.0]))
    >>> Focal(gamma=2.0)(torch.zeros(1, 2), torch.tensor([1]), context)
    tensor([0.1733])
    """

    def __init__(
        self,
        *,
        gamma: Annotated[float, Field(ge=0)] = 2.0,
        alpha: list[Annotated[float, Field(ge=0)]] = [],  # noqa: B006 - a schema default, copied
    ) -> None:
        super().__init__()
        self.gamma = gamma
        self.alpha = list(alpha)

    def forward(
        self, logits: torch.Tensor, labels: torch.Tensor, context: LossContext
    ) -> torch.Tensor:
        """Return the focal loss, shape (n,).

        Raises
        ------
        InputError
            `alpha` has another length than there are classes.
        """
        log_p = functional.log_softmax(logits, dim=1).gather(1, labels[:, None]).squeeze(1)
        # (1 - p) is taken from the logarithm: 1 - exp(0) has an infinite slope under gamma < 1.
        miss = (-torch.expm1(log_p)).clamp(min=torch.finfo(log_p.dtype).tiny)
        value = -(miss**self.gamma) * log_p
        if not self.alpha:
            return value
        if len(self.alpha) != logits.shape[1]:
            raise InputError(
                f"loss.alpha has {len(self.alpha)} values for {logits.shape[1]} classes; "
                "give one per class"
            )
        return torch.tensor(self.alpha, dtype=value.dtype, device=value.device)[labels] * value
