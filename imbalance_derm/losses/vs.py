"""Vector-scaling loss."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch.nn import functional

from imbalance_derm.losses.class_prior import log_prior
from imbalance_derm.losses.contract import Loss, LossContext


class VectorScaling(Loss):
    """Cross-entropy on logits that are scaled and shifted by class (VS).

    ``-log softmax(delta * logits + iota)[label]`` with
    ``delta[c] = (counts[c] / max(counts)) ** gamma`` and ``iota[c] = tau * log(prior[c])``.

    Parameters
    ----------
    gamma : float
        Of the factor, which decides once the training images are fitted; 0 gives logit
        adjustment.
    tau : float
        Of the shift, which speeds up the beginning; 0 gives class-dependent temperatures (CDT).
        With gamma 0, too, it is cross-entropy.

    Notes
    -----
    The weights by class that the paper allows besides are left out, as by default in its code.
    The counts are those of the images that are fed, as for loss ``logit_adjustment``. A class
    that is never fed counts as one image in the factor and has a prior of 1e-12 in the shift.

    References
    ----------
    Kini et al. 2021, "Label-Imbalanced and Group-Sensitive Classification under
    Overparameterization", arXiv 2103.01550; gamma 0.3 and tau 1 are the defaults of their code.
    CDT: Ye et al. 2020, arXiv 2001.01385.

    Examples
    --------
    >>> context = LossContext(class_counts=torch.tensor([4.0, 1.0]))
    >>> logits, labels = torch.tensor([[1.0, 2.0]]), torch.tensor([1])
    >>> VectorScaling(gamma=0.5, tau=0.0)(logits, labels, context)  # factors 1 and 1/2
    tensor([0.6931])
    """

    counts = "fed"

    def __init__(
        self,
        *,
        gamma: Annotated[float, Field(ge=0)] = 0.3,
        tau: Annotated[float, Field(ge=0)] = 1.0,
    ) -> None:
        super().__init__()
        self.gamma = gamma
        self.tau = tau

    def forward(
        self, logits: torch.Tensor, labels: torch.Tensor, context: LossContext
    ) -> torch.Tensor:
        """Return the cross-entropy on the scaled and shifted logits, shape (n,)."""
        counts = context.class_counts.clamp(min=1.0)
        delta = (counts / counts.max()) ** self.gamma
        iota = self.tau * log_prior(context.class_counts)
        return functional.cross_entropy(delta * logits + iota, labels, reduction="none")
