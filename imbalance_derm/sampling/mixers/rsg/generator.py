"""RSG: features of rare classes made from the spread of frequent ones."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import nn

from imbalance_derm.sampling.mixers.rsg.centres import ClassCentres
from imbalance_derm.sampling.mixers.rsg.vectors import PairClassifier, vector_loss
from imbalance_derm.sampling.mixing import Generated, Mixed, Mixer, MixingContext

CONTRAST_WIDTH = 256
"""Of the contrastive module, as published."""


class RareSampleGenerator(Mixer):
    """Rare-class Sample Generator: add to rare features how frequent ones deviate.

    With ``c(x)`` the centre that feature ``x`` belongs to among those of its class, a frequent
    feature ``x_f`` and a rare one ``x_r`` give a new one of the rare class:
    ``x_r + T(x_f - c(x_f))``. What is learned, on features that are held fixed, is

    - the centres, by ``centre_weight * mean sum_k gamma_k ||x - c_k||^2`` (:class:`ClassCentres`);
    - up to `begin`, what tells whether two features are of one class (:class:`PairClassifier`),
      by the cross-entropy of the batch's first half paired with its second, times
      ``centre_weight``; together the two are the loss of centre estimation with sample contrast;
    - from `begin` on, while rare features are made, the linear transformation ``T``, by the
      maximised vector loss: ``T(x_f - c(x_f))`` is to be as long as what it is made of, to point
      as ``x_r - c(x_r)`` does, and not to be taken for the class of ``x_f``; times
      ``vector_weight``.

    Parameters
    ----------
    ratio : float
        A class is rare where the largest has at least this many times its real training images;
        the others are frequent.
    begin : float
        Share of the training after which rare features are made; 0.8, as published.
    strength : float
        How many are made: about this share of the rows of the larger of the two groups, at
        least one for each row of the smaller.
    centres : int
        Per class; 15, as published.
    centre_weight, vector_weight : float
        Of the two losses; 0.1 and 0.01, as published.

    Notes
    -----
    It departs from the paper and its code as follows.

    - It works on pooled features (n, d) and not on feature maps before the last stage of the
      network: convolutions become linear layers, and what is made trains the head alone.
    - Frequent classes are told by a ratio of counts, and not as a share of 20 to 30 % of the
      classes, which leaves none of two. On the long-tailed CIFAR sets a ratio of 3 gives 24 to
      30 %.
    - The centres of a class are learned as offsets from its running mean. Theirs start at zero
      and come to the features by SGD, whose steps grow with the distance; those of Adam do not.
    - A batch without a frequent and a rare row is left alone, with no loss of the centres.
    - Of the cosine the code sums ``|a * b - 1|`` over coordinates, which is ``d - cos``; here it
      is ``1 - cos``. Layers start as PyTorch's do.

    References
    ----------
    Wang et al. 2021, "RSG: A Simple but Effective Module for Learning Imbalanced Datasets",
    arXiv 2106.09859.

    Examples
    --------
    >>> context = MixingContext(class_counts=torch.tensor([90.0, 10.0]), progress=0.9)
    >>> generator = RareSampleGenerator()
    >>> generator.prepare(classes=2, features=8)
    >>> features, labels = torch.randn(4, 8), torch.tensor([0, 0, 0, 1])
    >>> generator.generate(features, labels, context, np.random.default_rng(0)).labels
    tensor([1, 1, 1])
    """

    def __init__(
        self,
        *,
        ratio: Annotated[float, Field(gt=1)] = 3.0,
        begin: Annotated[float, Field(ge=0, le=1)] = 0.8,
        strength: Annotated[float, Field(gt=0, le=1)] = 1.0,
        centres: Annotated[int, Field(ge=1)] = 15,
        centre_weight: Annotated[float, Field(ge=0)] = 0.1,
        vector_weight: Annotated[float, Field(ge=0)] = 0.01,
    ) -> None:
        super().__init__()
        self.ratio = ratio
        self.begin = begin
        self.strength = strength
        self.centres_per_class = centres
        self.centre_weight = centre_weight
        self.vector_weight = vector_weight

    def prepare(self, classes: int, features: int) -> None:
        """Make the centres, the classifier of pairs and the transformation."""
        self.centres = ClassCentres(classes, features, self.centres_per_class)
        self.contrast = PairClassifier(features, CONTRAST_WIDTH)
        self.transform = nn.Linear(features, features)

    def mix(
        self,
        inputs: torch.Tensor,
        labels: torch.Tensor,
        context: MixingContext,
        rng: np.random.Generator,
    ) -> Mixed | None:
        """Return None: inputs stay as they are."""
        return None

    def generate(
        self,
        features: torch.Tensor,
        labels: torch.Tensor,
        context: MixingContext,
        rng: np.random.Generator,
    ) -> Generated | None:
        """Return rare features, none of them before `begin`; what they are made of is fixed.

        Returns
        -------
        Generated or None
            None where no row, or every row, is of a rare class.
        """
        counts = context.class_counts
        rare = (self.ratio * counts <= counts.max())[labels]
        givers, takers = pair_rows(~rare, rare, self.strength)
        if len(takers) == 0:
            return None
        fixed = features.detach().to(self.transform.weight.dtype)
        self.centres.follow(fixed, labels)
        loss = self.centre_weight * self.centres.loss(fixed, labels)
        if context.progress < self.begin:
            half = len(labels) // 2
            first, second = slice(half), slice(half, 2 * half)
            same = (labels[first] == labels[second]).long()
            contrast = self.contrast.loss(fixed[first], fixed[second], same)
            return Generated(fixed[:0], labels[:0], loss + self.centre_weight * contrast)
        frequent = fixed[givers] - self.centres.nearest(fixed[givers], labels[givers])
        displaced = fixed[takers] - self.centres.nearest(fixed[takers], labels[takers])
        moved = self.transform(frequent)
        vectors = vector_loss(moved, frequent, displaced)
        vectors = vectors + self.contrast.unlikeness(fixed[givers], moved)
        made = fixed[takers] + moved
        return Generated(made, labels[takers], loss + self.vector_weight * vectors)


def pair_rows(
    frequent: torch.Tensor, rare: torch.Tensor, strength: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Pair frequent rows with rare ones in the order of the batch; the fewer are repeated.

    Parameters
    ----------
    frequent, rare : Tensor of bool, shape (n,)
    strength : float
        There are as many rounds of the fewer rows as go into this share of the more numerous
        ones, and one at least.

    Returns
    -------
    tuple of Tensor of int64
        The frequent and the rare row of each pair; empty where there are none of either.

    Examples
    --------
    >>> pair_rows(torch.tensor([True, False, True, True]), torch.tensor([False, True] * 2), 1.0)
    (tensor([0, 2]), tensor([1, 3]))
    """
    rows = [mask.nonzero().squeeze(1) for mask in (frequent, rare)]
    fewer, more = sorted(map(len, rows))
    rounds = max(int(strength * more / fewer), 1) if fewer else 0
    pair = torch.arange(rounds * fewer, device=rare.device)
    return rows[0][pair % len(rows[0])], rows[1][pair % len(rows[1])]
