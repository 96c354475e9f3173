"""Balanced-MixUp: partners from a stream in which all classes are equally frequent."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import torch
from pydantic import Field

from imbalance_derm.sampling.mixing import Mixed, Mixer, MixingContext


class BalancedMixup(Mixer):
    """Mix a little of a class-balanced batch into the run's: ``x = (1 - s) * x_i + s * x_b``.

    Rows ``x_i`` come from the run's sampler and ``x_b`` from ``class_balanced``; labels are
    mixed likewise. The share ``s`` of the balanced row is drawn from Beta(alpha, 1), the law of
    ``u ** (1 / alpha)`` for a uniform ``u``: its mean is ``alpha / (1 + alpha)``, so that rare
    images, which are repeated often, mostly come in small shares.

    Parameters
    ----------
    alpha : float
        Of the Beta distribution: near 0 the run's rows stay as they are, 1 is uniform. The
        authors try values from 0.1 to 0.3.

    Notes
    -----
    The share is drawn for each pair; the authors' code draws one for a whole batch. The run's
    sampler is to be ``shuffle`` to follow the paper.

    References
    ----------
    Galdran, Carneiro and González Ballester 2021, "Balanced-MixUp for Highly Imbalanced Medical
    Image Classification", arXiv 2109.09850; the roles of the two streams are those in their
    published code.

    Examples
    --------
    >>> context = MixingContext(class_counts=torch.tensor([3.0, 1.0]))
    >>> rows = torch.tensor([[0.0], [0.0], [1.0], [1.0]])  # the second half is the balanced one
    >>> labels = torch.tensor([0, 0, 0, 1])
    >>> mixed = BalancedMixup().mix(rows, labels, context, np.random.default_rng(0))
    >>> mixed.partners, mixed.inputs[:, 0] + mixed.weights
    (tensor([2, 3]), tensor([1., 1.]))
    """

    second_sampler = "class_balanced"

    def __init__(self, *, alpha: Annotated[float, Field(gt=0)] = 0.2) -> None:
        super().__init__()
        self.alpha = alpha

    def mix(
        self,
        inputs: torch.Tensor,
        labels: torch.Tensor,
        context: MixingContext,
        rng: np.random.Generator,
    ) -> Mixed | None:
        """Return the first half of the rows, each mixed with its like in the second half."""
        n, device = len(inputs) // 2, inputs.device
        shares = torch.from_numpy(rng.beta(self.alpha, 1.0, size=n)).to(device, torch.float32)
        balanced_share = shares.to(inputs.dtype).view(-1, *[1] * (inputs.ndim - 1))
        mixed = torch.lerp(inputs[:n], inputs[n:], balanced_share)
        return Mixed(mixed, torch.arange(n, 2 * n, device=device), 1 - shares)
