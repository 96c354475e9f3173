"""Logit-adjusted cross-entropy."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch.nn import functional

from imbalance_derm.losses.class_prior import log_prior
from imbalance_derm.losses.contract import Loss, LossContext


class LogitAdjustment(Loss):
    """Cross-entropy on ``logits + tau * log(prior)``: the prior is learned around.

    The plain logits then rank classes by balanced error, so nothing is adjusted at test time.

    Parameters
    ----------
    tau : float
        Strength; 1 is consistent for the balanced error, 0 gives cross-entropy.

    Notes
    -----
    The prior is that of the images that are fed: after synthesis or balanced sampling the model
    no longer sees the clinic's prior. A class that is never fed has a floor of 1e-12.

    References
    ----------
    Menon et al. 2021, "Long-tail learning via logit adjustment", arXiv 2007.07314, eq. 10.

    Examples
    --------
    >>> context = LossContext(class_counts=torch.tensor([3.0, 1.0]))
    >>> LogitAdjustment()(torch.zeros(1, 2), torch.tensor([1]), context)
    tensor([1.3863])
    """

    counts = "fed"

    def __init__(self, *, tau: Annotated[float, Field(ge=0)] = 1.0) -> None:
        super().__init__()
        self.tau = tau

    def forward(
        self, logits: torch.Tensor, labels: torch.Tensor, context: LossContext
    ) -> torch.Tensor:
        """Return the logit-adjusted cross-entropy, shape (n,)."""
        shifted = logits + self.tau * log_prior(context.class_counts)
        return functional.cross_entropy(shifted, labels, reduction="none")
