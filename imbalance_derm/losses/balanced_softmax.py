"""Balanced softmax."""

from __future__ import annotations

import torch
from torch.nn import functional

from imbalance_derm.losses.class_prior import log_prior
from imbalance_derm.losses.contract import Loss, LossContext


class BalancedSoftmax(Loss):
    """Cross-entropy of a softmax that has the class counts built in.

    ``-log(counts[label] * exp(z[label]) / sum_c counts[c] * exp(z[c]))`` for logits z. The
    softmax of the plain logits is then that of a population with equally many of each class.

    Notes
    -----
    The counts are those of the images that are fed. The formula is Bayes' rule for the shift
    from the classes' shares in training to equal shares, and training sees what is fed; with
    real counts and a balanced sampler the classes would be balanced twice. Loss ``prior_ce`` is
    the same formula on real counts; loss ``logit_adjustment`` is it with a strength, and equals
    it at tau 1. A class that is never fed has a share of 1e-12. The paper's meta-learned
    sampler is not part of the loss.

    References
    ----------
    Ren et al. 2020, "Balanced Meta-Softmax for Long-Tailed Visual Recognition",
    arXiv 2007.10740.

    Examples
    --------
    >>> context = LossContext(class_counts=torch.tensor([3.0, 1.0]))
    >>> BalancedSoftmax()(torch.zeros(2, 2), torch.tensor([0, 1]), context)
    tensor([0.2877, 1.3863])
    """

    counts = "fed"

    def forward(
        self, logits: torch.Tensor, labels: torch.Tensor, context: LossContext
    ) -> torch.Tensor:
        """Return the cross-entropy of the balanced softmax, shape (n,)."""
        shifted = logits + log_prior(context.class_counts)
        return functional.cross_entropy(shifted, labels, reduction="none")
