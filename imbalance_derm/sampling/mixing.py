"""What a mixer is: every image of a batch mixed with a partner, on the fly."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import nn

from imbalance_derm.errors import InputError
from imbalance_derm.losses.contract import ClassCounts
from imbalance_derm.models.contract import Batch


@dataclass(frozen=True)
class MixingContext:
    """All that a mixer may know besides the batch.

    Attributes
    ----------
    class_counts : Tensor, float32 of shape (classes,)
        How often each class occurs: among the real training images or among what the sampler
        feeds, as the mixer asked with its attribute ``counts``.
    progress : float
        Share of the training budget that is spent, from 0 to 1.
    """

    class_counts: torch.Tensor
    progress: float = 0.0


@dataclass(frozen=True)
class Mixed:
    """A mixed batch; row i has the labels of row i and of its partner.

    Attributes
    ----------
    inputs : Tensor
        The rows of the run's stream, mixed; of the same row shape and dtype as before.
    partners : Tensor of int64, shape (n,)
        The row of the batch that each row was mixed with.
    weights : Tensor of float32, shape (n,)
        Share of the row's own label, in [0, 1]; that of the partner's is the rest. It may
        differ from the share in `inputs`.
    """

    inputs: torch.Tensor
    partners: torch.Tensor
    weights: torch.Tensor


@dataclass(frozen=True)
class Generated:
    """Features that a mixer made of a batch's features.

    Attributes
    ----------
    features : Tensor of shape (m, d)
    labels : Tensor of int64, shape (m,)
    loss : Tensor of shape ()
        The mixer's own loss, to be added to the objective.
    """

    features: torch.Tensor
    labels: torch.Tensor
    loss: torch.Tensor


class Mixer(nn.Module, ABC):
    """Mixes a batch after augmentation, on its device. Keyword-only arguments are the parameters.

    It is a module: what it learns is trained with the model and goes into its checkpoints.

    Attributes
    ----------
    counts : {"real", "fed"}
        Which class counts stand in the context, as for a loss.
    needs_images : bool
        True where embeddings cannot be mixed.
    second_sampler : str
        A sampler by its registered name, for partners of another distribution: the batch to
        be mixed then ends with as many rows of that sampler's stream as it has of the run's.
        Empty: partners are of the batch itself.
    idle : bool
        True for the mixer that does nothing.
    """

    counts: ClassVar[Literal["real", "fed"]] = "real"
    needs_images: ClassVar[bool] = False
    second_sampler: ClassVar[str] = ""
    idle: ClassVar[bool] = False
    presets: ClassVar[dict[str, dict[str, Any]]] = {}

    def prepare(self, classes: int, features: int) -> None:
        """Make what depends on the task's sizes; called once, before training."""

    @abstractmethod
    def mix(
        self,
        inputs: torch.Tensor,
        labels: torch.Tensor,
        context: MixingContext,
        rng: np.random.Generator,
    ) -> Mixed | None:
        """Return the mixed batch, or None where it stays as it is.

        Parameters
        ----------
        inputs : Tensor
            Images in [0, 1], float (n, 3, h, w); or embeddings, float (n, d). Not changed.
        labels : Tensor of int64, shape (n,)
            With a second stream n is twice the number of rows to return.
        context : MixingContext
        rng : Generator
            All randomness comes from it; it is a function of the seed and of the update.
        """

    def generate(
        self,
        features: torch.Tensor,
        labels: torch.Tensor,
        context: MixingContext,
        rng: np.random.Generator,
    ) -> Generated | None:
        """Return features to learn from beside the batch's own (n, d); by default None."""
        return None

    def check(self, embeddings: bool) -> None:
        """Check that this mixer can mix what will be fed.

        Raises
        ------
        InputError
            It needs images, and `embeddings` are fed.
        """
        if embeddings and self.needs_images:
            raise InputError(
                f"mixer {type(self).__name__} mixes pixels, but a frozen backbone feeds embeddings "
                "to the head; use --mixer mixup or remix, or --set backbone.frozen=false"
            )


def mix_batch(
    mixer: Mixer, batch: Batch, counts: ClassCounts, progress: float, rng: np.random.Generator
) -> tuple[Batch, ...]:
    """Return the mixed batch once with its own labels and once with those of the partners.

    Losses know whole labels only. The loss of a mixed label is the sum of its losses with either
    label, weighted by their shares: for cross-entropy that is the loss of the soft label.

    Returns
    -------
    tuple of Batch
        `batch` itself where nothing is mixed; else two that share their inputs and whose
        weights add up to 1 in each row.
    """
    wanted = counts.real if mixer.counts == "real" else counts.fed
    context = MixingContext(wanted.to(batch.inputs.device), progress)
    mixed = mixer.mix(batch.inputs, batch.labels, context, rng)
    if mixed is None:
        return (batch,)
    rows = len(mixed.inputs)  # fewer than there were where partners come from a second stream
    own = Batch(mixed.inputs, batch.labels[:rows], batch.sites[:rows], mixed.weights)
    labels, sites = batch.labels[mixed.partners], batch.sites[mixed.partners]
    return own, Batch(mixed.inputs, labels, sites, 1.0 - mixed.weights)


def random_partners(n: int, rng: np.random.Generator, device: torch.device) -> torch.Tensor:
    """Return a random permutation of the rows, int64 (n,): each row is a partner once."""
    return torch.from_numpy(rng.permutation(n)).to(device)


def beta_shares(
    n: int, alpha: float, rng: np.random.Generator, device: torch.device
) -> torch.Tensor:
    """Draw the share of each row in its mixture from Beta(alpha, alpha), float32 (n,)."""
    return torch.from_numpy(rng.beta(alpha, alpha, size=n)).to(device, torch.float32)


def interpolate(inputs: torch.Tensor, partners: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
    """Return ``share * row + (1 - share) * partner`` for each row; `shares` has shape (n,).

    Examples
    --------
    >>> rows = torch.tensor([[0.0], [1.0]])
    >>> interpolate(rows, torch.tensor([1, 0]), torch.tensor([0.75, 1.0])).tolist()
    [[0.25], [1.0]]
    """
    share = shares.to(inputs.dtype).view(-1, *[1] * (inputs.ndim - 1))
    return share * inputs + (1 - share) * inputs[partners]


def mix_with_label_shares(
    inputs: torch.Tensor,
    labels: torch.Tensor,
    context: MixingContext,
    rng: np.random.Generator,
    alpha: float,
    label_shares: Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor],
) -> Mixed:
    """Mix inputs as mixup does, and labels by another rule that knows the class counts.

    Parameters
    ----------
    inputs, labels, context, rng
        As in :meth:`Mixer.mix`.
    alpha : float
        Of the Beta distribution of the shares in the mixture.
    label_shares : callable
        ``label_shares(shares, own, other)``: from the share of each row in its mixture and the
        class counts of the row and its partner, all (n,), the share of the row's own label.
    """
    partners = random_partners(len(inputs), rng, inputs.device)
    shares = beta_shares(len(inputs), alpha, rng, inputs.device)
    own = context.class_counts[labels]
    weights = label_shares(shares, own, own[partners])
    return Mixed(interpolate(inputs, partners, shares), partners, weights)
