"""Major-to-minor translation (M2m)."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import nn
from torch.nn import functional

from imbalance_derm.data.lesions import MISSING_SITE
from imbalance_derm.models.contract import Batch, Model
from imbalance_derm.sampling.class_balanced import ClassBalanced
from imbalance_derm.schedule.contract import TrainingStage, set_training_mode
from imbalance_derm.schedule.step import Parts, Step, classification_objective

NOISE = 0.5
"""Length of the noise that a translation starts with, at most."""


class MajorToMinor(TrainingStage):
    """Learn rare classes from images of frequent ones that were pushed over their border.

    In a class-balanced batch an image of class k gives way with probability ``1 - n[k] / max n``
    to one that is made from another image of the batch, of class j. That is drawn with
    probability proportional to ``1 - beta ** max(n[j] - n[k], 0)``, and rejected with probability
    ``beta ** max(n[j] - n[k], 0)``. From the image and some noise, steps of fixed length descend
    ``-log g(x)[k] + lam * f(x)[j]``, where g(x)[k] is the probability of k under a copy of the
    model at the start of the stage, and f(x)[j] the logit of j under the model that learns. The
    result is used if g is confident: ``g(x)[k] >= gamma``.

    Freezes nothing, re-initialises nothing; trains everything on such batches with the
    class-balanced sampler and the run's loss and mixer.

    Parameters
    ----------
    share : float
        Of the run's optimiser updates, relative to the shares of the other stages.
    learning_rate : float
        Factor on the run's learning rate.
    lam : float
        How much the model that learns must have forgotten class j.
    beta : float
        0 accepts every more frequent class as a source, towards 1 much more frequent ones only.
    gamma : float
        Least probability of the target under the copy.
    steps : int
        Gradient steps of a translation; each costs a forward and a backward pass of both models
        for the images that are made.
    step_size : float
        Length of a step in pixel values of [0, 1].

    Notes
    -----
    n counts real training images. Translated images have no body site. The noise has a length of
    at most 0.5 for each image; the authors' code bounds that of a whole batch. Their step size
    is for images of 32 x 32 pixels. They set in when the learning rate is divided by 100; for the
    factor of 0.1 see :class:`imbalance_derm.schedule.deferred_reweighting.DeferredReweighting`.
    Memory holds the model twice.

    References
    ----------
    Kim, Jeong and Shin 2020, "M2m: Imbalanced Classification via Major-to-minor Translation",
    arXiv 2004.00431, algorithm 1; the defaults are those of their code for CIFAR-10.

    Examples
    --------
    >>> MajorToMinor(beta=0.5).chances(np.array([0, 1]), np.array([3.0, 1.0]))
    array([[0.  , 0.  ],
           [0.75, 0.  ]])
    """

    needs_images = True

    def __init__(
        self,
        *,
        share: Annotated[float, Field(gt=0)] = 1.0,
        learning_rate: Annotated[float, Field(gt=0)] = 0.1,
        lam: Annotated[float, Field(ge=0)] = 0.5,
        beta: Annotated[float, Field(ge=0, lt=1)] = 0.999,
        gamma: Annotated[float, Field(ge=0, le=1)] = 0.9,
        steps: Annotated[int, Field(ge=1)] = 10,
        step_size: Annotated[float, Field(gt=0)] = 0.1,
    ) -> None:
        super().__init__(share, learning_rate)
        self.lam = lam
        self.beta = beta
        self.gamma = gamma
        self.steps = steps
        self.step_size = step_size
        self.guide: nn.Module = nn.Identity()

    def begin(self, model: Model) -> None:
        """Copy the model; the copy goes into checkpoints and is not trained."""
        self.guide = deepcopy(model).requires_grad_(False).eval()

    def parts(self, parts: Parts) -> Parts:
        """Return the run's parts with the class-balanced sampler."""
        return replace(parts, sampler=ClassBalanced())

    def objective(self, step: Step) -> torch.Tensor:
        """Return the classification objective on the batch with translated images."""
        return classification_objective(replace(step, batch=self.translated(step)))

    def translated(self, step: Step) -> Batch:
        """Return the batch with translated images in place of some, of the same labels."""
        batch = step.batch
        labels = batch.labels.cpu().numpy()
        counts = step.counts.classes.real.double().cpu().numpy()
        pairs = torch.from_numpy(self.pairs(labels, counts, step.rng)).to(batch.labels.device)
        if len(pairs) == 0:
            return batch
        rows, sources = pairs.T
        targets = batch.labels[rows]
        step.model.eval()
        images, confidence = self.translate(
            batch.inputs[sources], batch.labels[sources], targets, step.model
        )
        set_training_mode(self, step.model)
        accepted = confidence >= self.gamma
        inputs, sites = batch.inputs.clone(), batch.sites.clone()
        inputs[rows[accepted]] = images[accepted]
        sites[rows[accepted]] = MISSING_SITE
        return replace(batch, inputs=inputs, sites=sites)

    def chances(self, labels: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """Return how likely each row accepts each other as its source, float64 (n, n)."""
        own = counts[labels]
        return 1 - self.beta ** np.maximum(own[None, :] - own[:, None], 0)

    def pairs(self, labels: np.ndarray, counts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw the rows that give way, each with the row of its source.

        Parameters
        ----------
        labels : ndarray of int64, shape (n,)
        counts : ndarray of float64, shape (classes,)
        rng : Generator

        Returns
        -------
        ndarray of int64, shape (m, 2)
            Rejections by frequency are left out already, as nothing need be made for them.
        """
        chances = self.chances(labels, counts)
        totals = chances.cumsum(axis=1)
        gives_way = rng.random(len(labels)) >= counts[labels] / counts.max()
        drawn = rng.random(len(labels)) * totals[:, -1]
        sources = (totals > drawn[:, None]).argmax(axis=1)
        kept = rng.random(len(labels)) < chances[np.arange(len(labels)), sources]
        rows = np.flatnonzero(gives_way & kept)
        return np.stack([rows, sources[rows]], axis=1)

    def translate(
        self, images: torch.Tensor, sources: torch.Tensor, targets: torch.Tensor, model: Model
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Translate images of classes `sources` to classes `targets`.

        Parameters
        ----------
        images : Tensor, float (m, 3, h, w) in [0, 1]
        sources, targets : Tensor of int64, shape (m,)
        model : Model
            The one that learns, in evaluation mode.

        Returns
        -------
        images : Tensor, float (m, 3, h, w) in [0, 1]
        confidence : Tensor of shape (m,)
            Probability of the target under the copy.
        """
        noise = (torch.rand_like(images) - 0.5).renorm(p=2, dim=0, maxnorm=NOISE)
        moved = (images + noise).clamp(0, 1)
        for _ in range(self.steps):
            moved = moved.detach().requires_grad_(True)
            towards = functional.cross_entropy(self._guided(moved), targets, reduction="sum")
            away = model(moved)[0].logits.float().gather(1, sources[:, None]).sum()
            (gradient,) = torch.autograd.grad(towards + self.lam * away, moved)
            length = gradient.flatten(1).norm(dim=1).clamp(min=1e-10).view(-1, 1, 1, 1)
            moved = (moved - self.step_size * gradient / length).clamp(0, 1)
        moved = moved.detach()
        with torch.no_grad():
            confidence = self._guided(moved).softmax(dim=1).gather(1, targets[:, None]).squeeze(1)
        return moved, confidence

    def _guided(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.guide(images)[0].logits
        return logits.float()
