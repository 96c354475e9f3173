"""One optimiser update as a training stage sees it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from imbalance_derm.losses.contract import Loss
from imbalance_derm.models.contract import Batch, Counts, Model, Outputs
from imbalance_derm.sampling.contract import Sampler
from imbalance_derm.sampling.mixing import Mixer, MixingContext, mix_batch


@dataclass(frozen=True)
class Parts:
    """The loss, sampler and mixer that a stage trains with."""

    loss: Loss
    sampler: Sampler
    mixer: Mixer


@dataclass(frozen=True)
class Step:
    """What an objective is computed from.

    Attributes
    ----------
    model : Model
    forward : callable
        ``forward(inputs)`` gives the model's outputs and features, in the run's precision.
    batch : Batch
        Augmented, not mixed.
    augment : callable
        ``augment(images)`` draws the run's augmentation anew.
    parts : Parts
    counts : Counts
        Of the real images and of the pass that is fed.
    progress : float
        Share of the whole training budget that is spent, from 0 to 1.
    rng : Generator
        A function of the seed and of the update.
    observe : callable
        ``observe(logits, labels)`` is told what the model says of unmixed rows.
    """

    model: Model
    forward: Callable[[torch.Tensor], tuple[Outputs, torch.Tensor]]
    batch: Batch
    augment: Callable[[torch.Tensor], torch.Tensor]
    parts: Parts
    counts: Counts
    progress: float
    rng: np.random.Generator
    observe: Callable[[torch.Tensor, torch.Tensor], None]


def classification_objective(step: Step) -> torch.Tensor:
    """Return the head's objective on the mixed batch and on what the mixer generates.

    Returns
    -------
    Tensor of shape () or (tasks,)
        As :meth:`imbalance_derm.models.contract.Head.objective` says.
    """
    head, mixer, loss = step.model.head, step.parts.mixer, step.parts.loss
    batches = mix_batch(mixer, step.batch, step.counts.classes, step.progress, step.rng)
    outputs, features = step.forward(batches[0].inputs)
    extra = None
    if len(batches) == 1:
        step.observe(outputs.logits, batches[0].labels)
        counts = step.counts.classes
        wanted = counts.real if mixer.counts == "real" else counts.fed
        context = MixingContext(wanted.to(features.device), step.progress)
        made = mixer.generate(features, batches[0].labels, context, step.rng)
        if made is not None:
            extra = made.loss
            features = torch.cat([features, made.features.to(features.dtype)])
            outputs = step.model.classify(features)
            batches = (_with_generated(batches[0], made.features, made.labels),)
    values = [
        head.objective(outputs, features, labelled, loss, step.counts, step.progress)
        for labelled in batches
    ]
    value = sum(values[1:], start=values[0])
    if extra is None:
        return value
    # Of several tasks the first is the lesion task.
    return (
        value + torch.eye(1, max(value.numel(), 1), device=value.device).view(value.shape) * extra
    )


def _with_generated(batch: Batch, features: torch.Tensor, labels: torch.Tensor) -> Batch:
    """Add rows that have a label and neither an image nor a body site."""
    missing = torch.full((len(labels),), -1, dtype=batch.sites.dtype, device=batch.sites.device)
    weights = batch.weights
    if weights is not None:
        weights = torch.cat([weights, weights.new_ones(len(labels))])
    return Batch(
        batch.inputs, torch.cat([batch.labels, labels]), torch.cat([batch.sites, missing]), weights
    )
