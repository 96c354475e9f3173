"""Label smoothing that grows with the frequency of the class."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch.nn import functional

from imbalance_derm.losses.contract import Loss, LossContext


class LabelAwareSmoothing(Loss):
    """Cross-entropy with soft labels, softer for frequent classes.

    The target is ``1 - e`` for the label and ``e / (classes - 1)`` for each other class, with
    ``e = smooth_tail + (smooth_head - smooth_tail) * g(r)`` and
    ``r = (n[label] - min n) / (max n - min n)``.

    Parameters
    ----------
    smooth_head : float
        Smoothing of the most frequent class.
    smooth_tail : float
        Smoothing of the rarest class; with both 0 the loss is cross-entropy.
    shape : {"concave", "linear", "convex"}
        ``g(r)``: ``sin(pi r / 2)``, ``r`` or ``1 - cos(pi r / 2)``. Classes between the two
        extremes are smoothed most with ``concave``.

    Notes
    -----
    The paper's equation. The authors' code shares `e` among all classes, the label included,
    which smooths less by a factor ``(classes - 1) / classes``.

    Counts are those of the real images, whatever is fed: the paper trains on balanced batches
    and takes `n` from the data set. Where all classes are equally frequent all are smoothed by
    `smooth_head`.

    References
    ----------
    Zhong et al. 2021, "Improving Calibration for Long-Tailed Recognition", arXiv 2104.00466,
    section 3.2; 0.3 and 0 are theirs for CIFAR-10-LT and ImageNet-LT.

    Examples
    --------
    >>> context = LossContext(class_counts=torch.tensor([3.0, 1.0]))
    >>> logits = torch.tensor([[2.0, 0.0], [2.0, 0.0]])
    >>> LabelAwareSmoothing()(logits, torch.tensor([0, 1]), context)
    tensor([0.7269, 2.1269])
    """

    counts = "real"

    def __init__(
        self,
        *,
        smooth_head: Annotated[float, Field(ge=0, lt=1)] = 0.3,
        smooth_tail: Annotated[float, Field(ge=0, lt=1)] = 0.0,
        shape: Literal["concave", "linear", "convex"] = "concave",
    ) -> None:
        super().__init__()
        self.smooth_head = smooth_head
        self.smooth_tail = smooth_tail
        self.rise = {"concave": _concave, "linear": _linear, "convex": _convex}[shape]

    def forward(
        self, logits: torch.Tensor, labels: torch.Tensor, context: LossContext
    ) -> torch.Tensor:
        """Return the cross-entropy with the smoothed label, shape (n,)."""
        n = context.class_counts
        spread = n.max() - n.min()
        rank = torch.where(spread > 0, (n - n.min()) / spread, 1.0)
        smoothing = self.smooth_tail + (self.smooth_head - self.smooth_tail) * self.rise(rank)
        log_p = functional.log_softmax(logits, dim=1)
        own = log_p.gather(1, labels[:, None]).squeeze(1)
        others = (log_p.sum(dim=1) - own) / max(logits.shape[1] - 1, 1)
        e = smoothing[labels]
        return -(1 - e) * own - e * others


def _concave(rank: torch.Tensor) -> torch.Tensor:
    return (math.pi / 2 * rank).sin()


def _linear(rank: torch.Tensor) -> torch.Tensor:
    return rank


def _convex(rank: torch.Tensor) -> torch.Tensor:
    return 1 - (math.pi / 2 * rank).cos()
