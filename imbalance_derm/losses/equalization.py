"""Softmax equalization loss."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch.nn import functional

from imbalance_derm.losses.contract import Loss, LossContext


class Equalization(Loss):
    """Cross-entropy in which a rare class is seldom pushed down by examples of other classes.

    ``-log(exp(z[label]) / sum_k w[k] exp(z[k]))`` with
    ``w[k] = 1 - beta * [f[k] < threshold / classes] * [k != label]``: `f` is the share of the
    class among the fed images, and beta is drawn for each example and class, 1 with
    probability `gamma` and 0 otherwise.

    Parameters
    ----------
    threshold : float
        A class is rare below this share of an even split, ``1 / classes``; 0 gives
        cross-entropy.
    gamma : float
        Probability with which a rare class is left out; 0 gives cross-entropy.

    Notes
    -----
    The paper compares the frequency itself with a lambda that was tuned for each data set:
    4.3e-4 for the 1000 classes of ImageNet-LT, which is 0.43 of an even split. Among a handful of
    classes hardly any is as rare as 4.3e-4, and the loss would be cross-entropy; relative to an
    even split the threshold carries over.

    Counts are those of the images that are fed: how often a class is pushed down depends on what
    the others are fed.

    References
    ----------
    Tan et al. 2020, "Equalization Loss for Long-Tailed Object Recognition", arXiv 2003.05176,
    the softmax form for classification; gamma 0.9 is theirs for ImageNet-LT. That beta is drawn
    for each example and class stands in the authors' code (eql.detectron2, issue 9).

    Examples
    --------
    >>> context = LossContext(class_counts=torch.tensor([5.0, 4.0, 1.0]))
    >>> Equalization(gamma=1.0)(torch.zeros(2, 3), torch.tensor([0, 2]), context)  # log 2, log 3
    tensor([0.6931, 1.0986])
    """

    counts = "fed"

    def __init__(
        self,
        *,
        threshold: Annotated[float, Field(ge=0)] = 0.43,
        gamma: Annotated[float, Field(ge=0, le=1)] = 0.9,
    ) -> None:
        super().__init__()
        self.threshold = threshold
        self.gamma = gamma

    def forward(
        self, logits: torch.Tensor, labels: torch.Tensor, context: LossContext
    ) -> torch.Tensor:
        """Return the softmax equalization loss, shape (n,)."""
        classes = logits.shape[1]
        frequency = context.class_counts / context.class_counts.sum()
        left_out = torch.rand(logits.shape, device=logits.device) < self.gamma
        left_out &= frequency < self.threshold / classes
        left_out &= labels[:, None] != torch.arange(classes, device=labels.device)
        return functional.cross_entropy(
            logits.masked_fill(left_out, -torch.inf), labels, reduction="none"
        )
