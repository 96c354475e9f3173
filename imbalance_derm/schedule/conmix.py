"""A contrastive warm-up on mixed representations (ConMix)."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional

from imbalance_derm.models.contract import Model
from imbalance_derm.sampling.mixers.none import NoMixing
from imbalance_derm.schedule.contract import TrainingStage
from imbalance_derm.schedule.step import Parts, Step


class ContrastiveMixing(TrainingStage):
    """Learn features by telling random mixtures of images apart, without their labels.

    Two augmented views of each image are projected to unit vectors. The batch is parted at
    random into groups; the mean of a group's vectors, scaled to length 1, is its mixture, one of
    either view. The two mixtures of a group have to be found among all mixtures of the batch:
    ``-log(exp(u . v / temperature) / sum(exp(u . m / temperature)))`` for each mixture u, its
    other view v and every other mixture m (NT-Xent).

    Freezes nothing, re-initialises nothing; trains the backbone and the projection (two layers)
    with the contrastive loss, and the head with the run's loss on features that it does not
    change, so that the looks at validation say how good the features are.

    Parameters
    ----------
    share : float
        Of the run's optimiser updates, relative to the shares of the other stages.
    learning_rate : float
        Factor on the run's learning rate.
    temperature : float
        Low values weigh the most similar mixtures most.
    images_per_mixture : int
        Size of the groups on average.
    dimensions : int
        Of the projection.

    Notes
    -----
    The second view is drawn from the first one, which is augmented already; ``train.augment``
    must not be ``none``. The authors cluster; they put 512 images into 100 groups, here the size
    of a group is kept. Their warm-up with a pruned second network (SDCLR) is left out, and so
    is the batch normalisation in the projection. The run's mixer rests.

    References
    ----------
    Li and Jia 2025, "ConMix: Contrastive Mixup at Representation Level for Long-tailed Deep
    Clustering", ICLR. NT-Xent and the projection: Chen et al. 2020, arXiv 2002.05709.
    Temperature 0.2 and 128 dimensions are those of the ConMix code.

    Examples
    --------
    >>> ContrastiveMixing(share=0.3).temperature
    0.2
    """

    needs_images = True

    def __init__(
        self,
        *,
        share: Annotated[float, Field(gt=0)] = 1.0,
        learning_rate: Annotated[float, Field(gt=0)] = 1.0,
        temperature: Annotated[float, Field(gt=0)] = 0.2,
        images_per_mixture: Annotated[int, Field(ge=1)] = 5,
        dimensions: Annotated[int, Field(ge=2)] = 128,
    ) -> None:
        super().__init__(share, learning_rate)
        self.temperature = temperature
        self.images_per_mixture = images_per_mixture
        self.dimensions = dimensions
        self.projection: nn.Module = nn.Identity()

    def begin(self, model: Model) -> None:
        """Make the projection."""
        assert model.backbone is not None, "check() refuses embeddings"
        features = model.backbone.features
        self.projection = nn.Sequential(
            nn.Linear(features, features), nn.ReLU(), nn.Linear(features, self.dimensions)
        )

    def parts(self, parts: Parts) -> Parts:
        """Return the run's parts without its mixer."""
        return replace(parts, mixer=NoMixing())

    def objective(self, step: Step) -> torch.Tensor:
        """Return the contrastive loss plus the head's objective on fixed features."""
        batch, head = step.batch, step.model.head
        rows = len(batch.labels)
        views = torch.cat([batch.inputs, step.augment(batch.inputs)])
        features = step.forward(views)[1].float()
        projected = functional.normalize(self.projection(features), dim=1)
        groups = step.rng.integers(0, max(2, round(rows / self.images_per_mixture)), size=rows)
        labels = torch.from_numpy(groups).to(projected.device)
        first, second = (mixtures(view, labels) for view in projected.chunk(2))
        contrastive = nt_xent(first, second, self.temperature)
        fixed = features[:rows].detach()
        outputs = step.model.classify(fixed)
        step.observe(outputs.logits, batch.labels)
        value = head.objective(outputs, fixed, batch, step.parts.loss, step.counts, step.progress)
        if value.ndim == 0:
            return value + contrastive
        # Of several tasks the first is the lesion task.
        return torch.cat([value[:1] + contrastive, value[1:]])


def mixtures(vectors: torch.Tensor, groups: torch.Tensor) -> torch.Tensor:
    """Return the mean of each group's vectors, scaled to length 1.

    Parameters
    ----------
    vectors : Tensor of shape (n, d)
    groups : Tensor of int64, shape (n,)

    Returns
    -------
    Tensor of shape (groups that occur, d)

    Examples
    --------
    >>> mixtures(torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]), torch.tensor([4, 4, 9]))
    tensor([[0.7071, 0.7071],
            [0.0000, 1.0000]])
    """
    _, places = groups.unique(return_inverse=True)
    members = functional.one_hot(places).to(vectors.dtype)
    return functional.normalize(members.T @ vectors, dim=1)


def nt_xent(first: torch.Tensor, second: torch.Tensor, temperature: float) -> torch.Tensor:
    """Return the normalised temperature-scaled cross-entropy of pairs, shape ().

    Parameters
    ----------
    first, second : Tensor of shape (n, d)
        Unit vectors; row i of one belongs to row i of the other.
    temperature : float

    Examples
    --------
    >>> pair = torch.eye(2)
    >>> nt_xent(pair, pair, temperature=1.0)  # -log(e / (e + 1 + 1))
    tensor(0.5514)
    """
    n = len(first)
    vectors = torch.cat([first, second])
    similarity = vectors @ vectors.T / temperature
    itself = torch.eye(2 * n, dtype=torch.bool, device=vectors.device)
    partners = torch.arange(2 * n, device=vectors.device).roll(n)
    return functional.cross_entropy(similarity.masked_fill(itself, -torch.inf), partners)
