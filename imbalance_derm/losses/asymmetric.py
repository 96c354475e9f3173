"""Asymmetric loss for one label."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch.nn import functional

from imbalance_derm.losses.contract import Loss, LossContext


class Asymmetric(Loss):
    """Smoothed cross-entropy whose terms for the label and for other classes focus differently.

    ``-sum_j t[j] * w[j] * log p[j]`` with ``w[label] = (1 - p[label]) ** gamma_pos``,
    ``w[j] = p[j] ** gamma_neg`` for each other class, and the smoothed target
    ``t = (1 - smoothing) * onehot(label) + smoothing / classes``.

    Parameters
    ----------
    gamma_neg : float
        How much less a class counts that is rightly thought unlikely.
    gamma_pos : float
        How much less an easy example counts, as in the focal loss.
    smoothing : float
        Share of the target that is spread over all classes. Without it the other classes have no
        weight and the loss is the focal loss; with all three 0 it is cross-entropy.

    Notes
    -----
    The authors' loss for one label, by softmax; the loss for several labels, by sigmoids and with
    a probability margin, is another one. timm sets `gamma_pos` to 1 where the authors set 0.

    References
    ----------
    Ridnik et al. 2021, "Asymmetric Loss for Multi-Label Classification", arXiv 2009.14119, and
    ``ASLSingleLabel`` in its code, whose defaults these are.

    Examples
    --------
    >>> context = LossContext(class_counts=torch.tensor([3.0, 1.0]))
    >>> Asymmetric()(torch.zeros(1, 2), torch.tensor([1]), context)
    tensor([0.6607])
    """

    def __init__(
        self,
        *,
        gamma_neg: Annotated[float, Field(ge=0)] = 4.0,
        gamma_pos: Annotated[float, Field(ge=0)] = 0.0,
        smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.1,
    ) -> None:
        super().__init__()
        self.gamma_neg = gamma_neg
        self.gamma_pos = gamma_pos
        self.smoothing = smoothing

    def forward(
        self, logits: torch.Tensor, labels: torch.Tensor, context: LossContext
    ) -> torch.Tensor:
        """Return the asymmetric loss, shape (n,)."""
        log_p = functional.log_softmax(logits, dim=1)
        label = functional.one_hot(labels, logits.shape[1]).to(log_p.dtype)
        # Powers are taken from logarithms: p ** gamma has an infinite slope at 0 under gamma < 1.
        miss = (-torch.expm1(log_p)).clamp(min=torch.finfo(log_p.dtype).tiny)
        positive, negative = miss**self.gamma_pos, (self.gamma_neg * log_p).exp()
        target = (1 - self.smoothing) * label + self.smoothing / logits.shape[1]
        return -(target * torch.where(label > 0, positive, negative) * log_p).sum(dim=1)
