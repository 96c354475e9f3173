"""Gaussian clouded logits."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch.nn import functional

from imbalance_derm.losses.contract import Loss, LossContext


class GaussianCloudedLogits(Loss):
    """Cross-entropy on logits that noise lowers in training, most for the rarest class.

    ``z[j] - scale * amplitude * |e[j]| * d[j] / max d`` with ``d[j] = log max n - log n[j]`` and
    `e` drawn for each example and class from a Gaussian with standard deviation 1/3, clamped to
    [-1, 1]. In evaluation mode there is no noise and the loss is cross-entropy.

    Parameters
    ----------
    amplitude : float
        By how much the cosine of the rarest class is lowered at most; 0 gives cross-entropy.
    scale : float
        What the head multiplies its cosines with to get logits: to be the same as `scale` of
        head ``cosine``.

    Notes
    -----
    Meant for head ``cosine``, as `amplitude` is that of a cosine. Logits come scaled already.

    Counts are those of the real images: the cloud makes up for what a class lacks in variety,
    which copies do not add. The division by ``max d`` and the absolute value are those of the
    authors' code. Re-training of the classifier on balanced batches is a stage of its own.

    References
    ----------
    Li et al. 2022, "Long-tailed Visual Recognition via Gaussian Clouded Logit Adjustment",
    CVPR, arXiv 2305.11733; amplitude 0.5 and scale 30 are those of its code for CIFAR.

    Examples
    --------
    >>> context = LossContext(class_counts=torch.tensor([3.0, 1.0]))
    >>> loss = GaussianCloudedLogits()
    >>> bool(loss(torch.zeros(1, 2), torch.tensor([1]), context) > 0.6931)
    True
    >>> loss.eval()(torch.zeros(1, 2), torch.tensor([1]), context)
    tensor([0.6931])
    """

    counts = "real"

    def __init__(
        self,
        *,
        amplitude: Annotated[float, Field(ge=0)] = 0.5,
        scale: Annotated[float, Field(gt=0)] = 30.0,
    ) -> None:
        super().__init__()
        self.amplitude = amplitude
        self.scale = scale

    def forward(
        self, logits: torch.Tensor, labels: torch.Tensor, context: LossContext
    ) -> torch.Tensor:
        """Return the cross-entropy on clouded logits, shape (n,)."""
        if self.training:
            log_n = context.class_counts.clamp(min=1.0).log()
            rarity = log_n.max() - log_n
            cloud = rarity / rarity.max().clamp(min=1e-12)
            noise = (torch.randn_like(logits) / 3).clamp(-1.0, 1.0).abs()
            logits = logits - self.scale * self.amplitude * cloud * noise
        return functional.cross_entropy(logits, labels, reduction="none")
