"""mixup: images and labels interpolated alike."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import torch
from pydantic import Field

from imbalance_derm.sampling.mixing import (
    Mixed,
    Mixer,
    MixingContext,
    beta_shares,
    interpolate,
    random_partners,
)


class Mixup(Mixer):
    """Mix each row with a partner: ``x = s * x_i + (1 - s) * x_j``, and the labels likewise.

    The share ``s`` is drawn from Beta(alpha, alpha), the partner by a permutation of the batch.
    On embeddings it is mixup of the last hidden layer.

    Parameters
    ----------
    alpha : float
        Of the Beta distribution: near 0 one of the two dominates, 1 is uniform. The paper uses
        0.1 to 0.4 on ImageNet and 1 on CIFAR-10.

    Notes
    -----
    The share is drawn for each pair, as in the paper's equation; the authors' code draws one for
    a whole batch.

    References
    ----------
    Zhang et al. 2018, "mixup: Beyond Empirical Risk Minimization", arXiv 1710.09412, section 2.

    Examples
    --------
    >>> context = MixingContext(class_counts=torch.tensor([2.0, 2.0]))
    >>> rows, labels = torch.eye(4), torch.tensor([0, 0, 1, 1])
    >>> mixed = Mixup(alpha=1.0).mix(rows, labels, context, np.random.default_rng(0))
    >>> bool(torch.allclose(mixed.inputs.sum(dim=1), torch.ones(4)))
    True
    """

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
        """Return the interpolated batch; labels have the shares of the inputs."""
        partners = random_partners(len(inputs), rng, inputs.device)
        shares = beta_shares(len(inputs), self.alpha, rng, inputs.device)
        return Mixed(interpolate(inputs, partners, shares), partners, shares)
