"""Cross-entropy with the prior of the real images."""

from __future__ import annotations

import torch
from torch.nn import functional

from imbalance_derm.losses.class_prior import log_prior
from imbalance_derm.losses.contract import Loss, LossContext


class PriorCrossEntropy(Loss):
    """Cross-entropy on ``logits + log(prior)``, the prior being that of the real images.

    Notes
    -----
    The formula is that of loss ``balanced_softmax``. The difference is whose prior it is: as in
    the code of LADE and of MONICA, that of the data set, whatever a sampler or a synthesizer
    makes of it. Where every real image is fed equally often the two are equal. A class without
    real images has a prior of 1e-12; their code adds 1e-9.

    References
    ----------
    Hong et al. 2021, "Disentangling Label Distribution for Long-tailed Visual Recognition",
    arXiv 2012.00321, eq. 19 (LADE-CE; ``PriorCELoss`` in their code).

    Examples
    --------
    >>> context = LossContext(class_counts=torch.tensor([3.0, 1.0]))
    >>> PriorCrossEntropy()(torch.zeros(2, 2), torch.tensor([0, 1]), context)
    tensor([0.2877, 1.3863])
    """

    def forward(
        self, logits: torch.Tensor, labels: torch.Tensor, context: LossContext
    ) -> torch.Tensor:
        """Return the cross-entropy on logits plus log prior, shape (n,)."""
        shifted = logits + log_prior(context.class_counts)
        return functional.cross_entropy(shifted, labels, reduction="none")
