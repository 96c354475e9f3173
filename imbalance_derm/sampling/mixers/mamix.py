"""MAMix: mixup whose labels leave rarer classes a larger margin."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import torch
from pydantic import Field

from imbalance_derm.sampling.mixing import Mixed, Mixer, MixingContext, mix_with_label_shares


class MAMix(Mixer):
    """Mix inputs as mixup does, and let the label turn to the rarer class at less than one half.

    A class of ``n`` real training images has the margin ``m = n ** -omega``. The labels of a row
    and of its partner are even where the row's share ``s`` of the mixture is
    ``t = m_j / (m_i + m_j)``, below one half for the rarer of the two; from there the label goes
    linearly to a whole one at either end. The row's label has the share

    - ``s / (2 * t)`` where ``s < t``,
    - ``1 - (1 - s) / (2 * (1 - t))`` elsewhere.

    Parameters
    ----------
    alpha : float
        Of the Beta distribution that ``s`` is drawn from; 1, uniform, as published.
    omega : float
        How fast margins shrink with the number of images; 1/4, the exponent of LDAM, in the
        authors' settings. 0 gives mixup.

    Notes
    -----
    The share is drawn for each pair; the authors' code draws one for a whole batch. Numbers of
    images are those of the real training images; a class without one counts as having one.
    Deferred re-weighting, which they combine it with, is a training stage here.

    References
    ----------
    Cheng, Mai and Lin 2023, "From SMOTE to Mixup for Deep Imbalanced Classification", arXiv
    2308.15457; as in their package imbalanced-DL.

    Examples
    --------
    >>> shares = torch.tensor([0.5, 0.5])
    >>> MAMix().label_shares(shares, torch.tensor([10.0, 500.0]), torch.tensor([1000.0, 500.0]))
    tensor([0.6709, 0.5000])
    """

    def __init__(
        self,
        *,
        alpha: Annotated[float, Field(gt=0)] = 1.0,
        omega: Annotated[float, Field(ge=0)] = 0.25,
    ) -> None:
        super().__init__()
        self.alpha = alpha
        self.omega = omega

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
        log_ratio = self.omega * (own.clamp(min=1).log() - other.clamp(min=1).log())
        even, rest = log_ratio.sigmoid(), (-log_ratio).sigmoid()
        above = 1 - (1 - shares) / (2 * rest).clamp(min=torch.finfo(rest.dtype).tiny)
        return torch.where(shares < even, shares / (2 * even), above)
