"""Range loss on features."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch.nn import functional

from imbalance_derm.losses.contract import Loss, LossContext
from imbalance_derm.losses.features import features_of

_LEAST_DISTANCE = 1e-12
"""Keeps the harmonic mean finite where an image is in the batch twice."""


class Range(Loss):
    """Cross-entropy plus the ranges of the classes in the batch and the nearness of their centres.

    ``CE + intra_weight * sum_c k / sum_j (1 / D[c, j])
    + inter_weight * max(0, margin - min_{c != c'} |m[c] - m[c']|^2)``:
    ``D[c, 1], ..., D[c, k]`` are the `k` largest squared distances between features of class `c`
    in the batch, and ``m[c]`` is the mean of its features. The last two terms belong to the batch
    and are added to every example.

    Parameters
    ----------
    k : int
        Number of ranges of which the harmonic mean is taken.
    intra_weight : float
        Weight of the ranges.
    inter_weight : float
        Weight of the nearness of the two nearest centres; with both 0 the loss is cross-entropy.
    margin : float
        Squared distance from which on two centres are far enough apart.

    Raises
    ------
    InputError
        There are no features.

    Notes
    -----
    A class with fewer than two examples in the batch has no range, one with fewer than `k` pairs
    has as many as it has pairs, and a batch of one class has no two centres.

    Weights and margin are in the units of the features; the defaults are of the order in use for
    faces. ImageNet features of EfficientNet-Lite0 on skin images have squared distances of about
    300: the ranges then add about a tenth to the initial cross-entropy, and the margin is not
    reached, so that centres are pushed apart throughout.

    With a mixer the features are those of mixtures; they count in the class of either label.

    References
    ----------
    Zhang et al. 2017, "Range Loss for Deep Face Recognition with Long-Tailed Training Data",
    arXiv 1611.08976; k 2 is theirs.

    Examples
    --------
    >>> features = torch.tensor([[0.0], [2.0], [5.0]])
    >>> context = LossContext(class_counts=torch.tensor([2.0, 1.0]), features=features)
    >>> loss = Range(intra_weight=1.0, inter_weight=1.0, margin=20.0)  # 2 ** 2 + (20 - 4 ** 2)
    >>> loss(torch.zeros(3, 2), torch.tensor([0, 0, 1]), context)
    tensor([8.6931, 8.6931, 8.6931])
    """

    def __init__(
        self,
        *,
        k: Annotated[int, Field(ge=1)] = 2,
        intra_weight: Annotated[float, Field(ge=0)] = 5e-5,
        inter_weight: Annotated[float, Field(ge=0)] = 1e-4,
        margin: Annotated[float, Field(ge=0)] = 2e4,
    ) -> None:
        super().__init__()
        self.k = k
        self.intra_weight = intra_weight
        self.inter_weight = inter_weight
        self.margin = margin

    def forward(
        self, logits: torch.Tensor, labels: torch.Tensor, context: LossContext
    ) -> torch.Tensor:
        """Return cross-entropy plus the range loss of the batch, shape (n,).

        Raises
        ------
        InputError
            The context has no features.
        """
        features = features_of(context, "range").to(logits.dtype)
        classes = [features[labels == label] for label in labels.unique()]
        intra, inter = logits.new_zeros(()), logits.new_zeros(())
        for members in classes:
            if len(members) > 1:
                ranges = extreme_distances(members, self.k, largest=True)
                inverse = ranges.clamp(min=_LEAST_DISTANCE).reciprocal()
                intra = intra + len(ranges) / inverse.sum()
        if len(classes) > 1:
            centres = torch.stack([members.mean(dim=0) for members in classes])
            nearest = extreme_distances(centres, 1, largest=False)
            inter = (self.margin - nearest).clamp(min=0.0).sum()
        value = functional.cross_entropy(logits, labels, reduction="none")
        return value + self.intra_weight * intra + self.inter_weight * inter


def extreme_distances(points: torch.Tensor, k: int, *, largest: bool) -> torch.Tensor:
    """Return the `k` largest or smallest squared distances between two rows of `points`.

    Parameters
    ----------
    points : Tensor of shape (n, d)
        At least two rows.
    k : int
        Fewer are returned where there are fewer pairs.
    largest : bool
        Largest or smallest.

    Returns
    -------
    Tensor of shape (k,)
        Gradients flow into the rows of these pairs only.

    Examples
    --------
    >>> extreme_distances(torch.tensor([[0.0], [1.0], [3.0]]), 2, largest=True)
    tensor([9., 4.])
    """
    first, second = torch.triu_indices(len(points), len(points), offset=1, device=points.device)
    with torch.no_grad():
        exact = "donot_use_mm_for_euclid_dist"
        distances = torch.cdist(points, points, compute_mode=exact)[first, second]
        chosen = distances.topk(min(k, len(distances)), largest=largest).indices
    return (points[first[chosen]] - points[second[chosen]]).square().sum(dim=1)
