"""Label-distribution-aware margins."""

from __future__ import annotations

import math
from typing import Annotated

import torch
from pydantic import Field
from torch.nn import functional

from imbalance_derm.losses.contract import Loss, LossContext


class LabelDistributionAwareMargin(Loss):
    """Cross-entropy that asks for a larger margin the rarer the class (LDAM).

    ``-log softmax(scale * (logits - margin[label] * onehot(label)))[label]`` with
    ``margin[c] = C / counts[c] ** (1/4)`` and C such that the largest is `max_margin`.

    Parameters
    ----------
    max_margin : float
        Margin of the rarest class; 0 gives cross-entropy on ``scale * logits``.
    scale : float
        What the logits are multiplied by.

    Notes
    -----
    The formula holds for any logits, but margins mean something only where logits cannot grow
    to satisfy them: the loss is meant for cosines, that is for head ``cosine`` with scale 1 (the
    scale is applied here). On cosines the softmax of the plain logits is nearly flat; predicted
    probabilities then need a temperature.

    The counts are those of the real training images: a margin makes up for how few different
    lesions a class has, which neither repetition nor synthesis changes. A class without real
    images has the margin of the rarest. Deferred re-weighting, the paper's second part, is a
    training stage.

    References
    ----------
    Cao et al. 2019, "Learning Imbalanced Datasets with Label-Distribution-Aware Margin Loss",
    arXiv 1906.07413; margin 0.5 and scale 30 are those of their code.

    Examples
    --------
    >>> context = LossContext(class_counts=torch.tensor([16.0, 1.0]))
    >>> loss = LabelDistributionAwareMargin(max_margin=0.5, scale=1.0)
    >>> loss(torch.tensor([[0.25, 0.0], [0.0, 0.5]]), torch.tensor([0, 1]), context)
    tensor([0.6931, 0.6931])
    """

    def __init__(
        self,
        *,
        max_margin: Annotated[float, Field(ge=0)] = 0.5,
        scale: Annotated[float, Field(gt=0)] = 30.0,
    ) -> None:
        super().__init__()
        self.max_margin = max_margin
        self.scale = scale

    def forward(
        self, logits: torch.Tensor, labels: torch.Tensor, context: LossContext
    ) -> torch.Tensor:
        """Return the cross-entropy of the scaled logits with margins, shape (n,)."""
        counts = context.class_counts
        rarest = torch.where(counts > 0, counts, math.inf).min()
        margins = self.max_margin * (rarest / counts.clamp(min=rarest)) ** 0.25
        own = functional.one_hot(labels, logits.shape[1])
        logits = self.scale * (logits - own * margins)
        return functional.cross_entropy(logits, labels, reduction="none")
