"""What a loss is: per-example values from logits, labels and one typed context."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import nn


@dataclass(frozen=True)
class LossContext:
    """All that a loss may know besides logits and labels.

    Attributes
    ----------
    class_counts : Tensor, float32 of shape (classes,)
        How often each class occurs: among the real training images or among what the sampler
        feeds, as the loss asked with its attribute ``counts``.
    features : Tensor of shape (n, d), or None
        What the head was given, for losses on features.
    progress : float
        Share of the training budget that is spent, from 0 to 1.
    """

    class_counts: torch.Tensor
    features: torch.Tensor | None = None
    progress: float = 0.0


@dataclass(frozen=True)
class ClassCounts:
    """Both kinds of class counts; a loss names the one it wants."""

    real: torch.Tensor
    fed: torch.Tensor


class Loss(nn.Module, ABC):
    """Base of every loss.

    Attributes
    ----------
    counts : {"real", "fed"}
        Which class counts stand in the context: those of the real training images, or those
        of the images that the sampler feeds (synthetic ones included).
    presets : dict of str to dict
        Parameter values by preset name.
    """

    counts: ClassVar[Literal["real", "fed"]] = "real"
    presets: ClassVar[dict[str, dict[str, Any]]] = {}

    def prepare(self, classes: int, features: int) -> None:
        """Make what depends on the task's sizes; called once, before training.

        Parameters are trained with the model's, and buffers go into its checkpoints.

        Parameters
        ----------
        classes : int
            Columns of the logits.
        features : int
            Columns of the features.
        """

    @abstractmethod
    def forward(
        self, logits: torch.Tensor, labels: torch.Tensor, context: LossContext
    ) -> torch.Tensor:
        """Return one loss value per example.

        Parameters
        ----------
        logits : Tensor of shape (n, classes)
        labels : Tensor of int64, shape (n,)
        context : LossContext

        Returns
        -------
        Tensor of shape (n,)
            The loop takes the mean.
        """


def apply_loss(
    loss: Loss,
    logits: torch.Tensor,
    labels: torch.Tensor,
    counts: ClassCounts,
    features: torch.Tensor | None = None,
    progress: float = 0.0,
) -> torch.Tensor:
    """Evaluate `loss` in float32 with the class counts that it asked for; returns shape (n,)."""
    wanted = counts.real if loss.counts == "real" else counts.fed
    context = LossContext(wanted.to(logits.device), features, progress)
    return loss(logits.float(), labels, context)
