"""What a model is made of: a backbone that gives features, and a head that gives logits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import torch
from torch import nn

from imbalance_derm.losses.contract import ClassCounts, Loss, apply_loss


class Backbone(nn.Module):
    """Maps images to features; knows the normalisation that its weights expect.

    Parameters
    ----------
    network : Module
        Maps normalised images, float (n, 3, h, w), to feature maps (n, d, h', w').
    features : int
        Number of features `d`.
    mean, std : tuple of 3 float
        Normalisation per RGB channel, for images in [0, 1].
    weights : str
        Where the weights come from, as it stands in the record.

    Notes
    -----
    Normalisation happens inside, in one place, so that real and synthetic images are scaled
    alike by construction.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(
        self,
        network: nn.Module,
        features: int,
        mean: tuple[float, float, float],
        std: tuple[float, float, float],
        weights: str,
    ) -> None:
        super().__init__()
        self.network = network
        self.features = features
        self.weights = weights
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def feature_maps(self, images: torch.Tensor) -> torch.Tensor:
        """Return (n, d, h', w') from images in [0, 1], float (n, 3, h, w)."""
        return self.network((images - self.mean) / self.std)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return globally average-pooled features (n, d)."""
        return self.feature_maps(images).mean(dim=(2, 3))


@dataclass(frozen=True)
class Task:
    """What a head has to predict: `features` in, `classes` out, body `sites` where known."""

    features: int
    classes: tuple[str, ...]
    sites: tuple[str, ...] = ()


@dataclass(frozen=True)
class Batch:
    """One batch on the device.

    Attributes
    ----------
    inputs : Tensor
        Images in [0, 1], float (n, 3, h, w); or embeddings, float (n, d).
    labels : Tensor of int64, shape (n,)
    sites : Tensor of int64, shape (n,)
        -1 where the body site is missing; always so for synthetic images.
    weights : Tensor of float32, shape (n,), or None
        How much each row counts; None: every row counts 1. Mixing gives one batch with the
        labels of the rows and one with those of their partners, with weights that add up to 1.
    second : int
        How many rows, at the end, come from the second stream that a head or a mixer asked for.
    """

    inputs: torch.Tensor
    labels: torch.Tensor
    sites: torch.Tensor
    weights: torch.Tensor | None = None
    second: int = 0

    def mean(self, values: torch.Tensor, rows: torch.Tensor | None = None) -> torch.Tensor:
        """Return the mean over examples of weight times value.

        It divides by the number of examples and not by their weights, so that an objective is
        linear in the weights.

        Parameters
        ----------
        values : Tensor of shape (m,)
        rows : Tensor of bool, shape (n,), optional
            Rows that the values belong to; by default all.
        """
        if self.weights is None:
            return values.mean()
        weights = self.weights if rows is None else self.weights[rows]
        return (weights * values).mean()


@dataclass(frozen=True)
class Outputs:
    """What a head returns: `logits` (n, classes), and those of other tasks by name."""

    logits: torch.Tensor
    others: dict[str, torch.Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Counts:
    """Class counts of the lesion task, and counts per body site (real images only)."""

    classes: ClassCounts
    sites: ClassCounts


class Head(nn.Module, ABC):
    """Maps features to logits. Constructed as ``Head(task, **parameters)``.

    Attributes
    ----------
    second_sampler : str
        A sampler by its registered name: every batch then ends with as many rows of that
        sampler's stream as it has of the run's. Empty: there is one stream.
    adaptable : bool
        Whether the objective goes through the lesion logits, which a stage may adapt.
    twin : str
        The head without what this one adds, by its registered name: what ``--paired``
        compares with. Empty: there is none.
    """

    presets: ClassVar[dict[str, dict[str, Any]]] = {}
    second_sampler: ClassVar[str] = ""
    adaptable: ClassVar[bool] = True
    twin: ClassVar[str] = ""

    @abstractmethod
    def forward(self, features: torch.Tensor) -> Outputs:
        """Return the outputs for features (n, d); nothing else is known at test time."""

    def objective(
        self,
        outputs: Outputs,
        features: torch.Tensor,
        batch: Batch,
        loss: Loss,
        counts: Counts,
        progress: float,
    ) -> torch.Tensor:
        """Return what to minimise; by default the mean of `loss` on the lesion logits.

        A mean over examples is :meth:`Batch.mean`, which takes the rows' weights into account.

        Returns
        -------
        Tensor of shape () or (tasks,)
            A scalar; or one value per task, whose sum is minimised after conflicting gradients
            of the tasks were projected (:func:`imbalance_derm.training.surgery.project`).
        """
        values = apply_loss(loss, outputs.logits, batch.labels, counts.classes, features, progress)
        return batch.mean(values)

    @property
    def linear(self) -> nn.Linear | None:
        """The linear layer whose output the lesion logits are; None where there is none."""
        return None

    def facts(self) -> dict[str, float]:
        """Return figures that the head learned and that belong into the record; by default none."""
        return {}

    def remembers(self) -> bool:
        """Whether :meth:`remember` is to be called after training; it costs a pass."""
        return False

    def remember(self, features: torch.Tensor, labels: torch.Tensor) -> None:
        """Keep what is needed of the features, float (n, d), of the real training lesions."""


class Model(nn.Module):
    """A backbone and a head; the backbone is None where the inputs are embeddings already.

    Attributes
    ----------
    adapter : Module or None
        What a training stage put behind the head: maps (logits, features) to logits.
    """

    def __init__(self, backbone: Backbone | None, head: Head) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head
        self.adapter: nn.Module | None = None

    def embed(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the features (n, d)."""
        return inputs if self.backbone is None else self.backbone(inputs)

    def classify(self, features: torch.Tensor) -> Outputs:
        """Return the head's outputs for features (n, d), adapted if there is an adapter."""
        outputs: Outputs = self.head(features)
        if self.adapter is None:
            return outputs
        return replace(outputs, logits=self.adapter(outputs.logits, features))

    def forward(self, inputs: torch.Tensor) -> tuple[Outputs, torch.Tensor]:
        """Return the outputs and the features (n, d) behind them."""
        features = self.embed(inputs)
        return self.classify(features), features
