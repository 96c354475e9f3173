"""Remix: mixup whose labels lean towards the rarer class."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import torch
from pydantic import Field

from imbalance_derm.sampling.mixing import Mixed, Mixer, MixingContext, mix_with_label_shares


class Remix(Mixer):
    """Mix inputs as mixup does, and give the whole label to a class that is much rarer.

    With ``s`` the share of the row in the mixture, and ``n_i`` and ``n_j`` the numbers of real
    training images of its class and of its partner's, the row's label has the share

    - 0 where ``n_i >= kappa * n_j`` and ``s < tau``,
    - 1 where ``kappa * n_i <= n_j`` and ``1 - s < tau``,
    - ``s`` elsewhere.

    Parameters
    ----------
    alpha : float
        Of the Beta distribution that ``s`` is drawn from; 1 is uniform.
    kappa : float
        How many times more frequent a class must be for its label to give way.
    tau : float
        It gives way only where its share of the mixture is below this; 0 gives mixup.

    Notes
    -----
    The share is drawn for each pair, as in the paper's equations; one for a batch is common in
    code.

    References
    ----------
    Chou et al. 2020, "Remix: Rebalanced Mixup", arXiv 2007.03943; kappa 3 and tau 0.5 are
    theirs.

    Examples
    --------
    >>> shares = torch.tensor([0.4, 0.6])
    >>> Remix().label_shares(shares, torch.tensor([90.0, 90.0]), torch.tensor([10.0, 10.0]))
    tensor([0.0000, 0.6000])
    """

    def __init__(
        self,
        *,
        alpha: Annotated[float, Field(gt=0)] = 1.0,
        kappa: Annotated[float, Field(ge=1)] = 3.0,
        tau: Annotated[float, Field(ge=0, le=1)] = 0.5,
    ) -> None:
        super().__init__()
        self.alpha = alpha
        self.kappa = kappa
        self.tau = tau

    def mix(
        self,
        inputs: torch.Tensor,
        labels: torch.Tensor,
        context: MixingContext,
        rng: np.random.Generator,
    ) -> Mixed | None:
        """Return the interpolated batch with the rarer class's labels favoured."""
        return mix_with_label_shares(inputs, labels, context, rng, self.alpha, self.label_shares)

    def label_shares(
        self, shares: torch.Tensor, own: torch.Tensor, other: torch.Tensor
    ) -> torch.Tensor:
        """Return the share of each row's own label.

        Parameters
        ----------
        shares : Tensor of float, shape (n,)
            Of each row in its mixture.
        own, other : Tensor of float, shape (n,)
            Training images of the row's class, and of its partner's.
        """
        gives_way = (own >= self.kappa * other) & (shares < self.tau)
        prevails = (self.kappa * own <= other) & (1 - shares < self.tau)
        return shares.masked_fill(prevails, 1.0).masked_fill(gives_way, 0.0)
