"""The CycleGAN synthesizer: majority images translated to each minority class."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from safetensors.torch import load_file, save_file
from torch import nn

from imbalance_derm.data.lesions import LesionSet
from imbalance_derm.errors import InputError
from imbalance_derm.synth.augment import alter
from imbalance_derm.synth.contract import Chunk, Provenance, Synthesizer
from imbalance_derm.synth.cyclegan.batches import to_images, to_tensor
from imbalance_derm.synth.cyclegan.losses import LossWeights
from imbalance_derm.synth.cyclegan.networks import build_discriminator, build_generator
from imbalance_derm.synth.cyclegan.trainer import Curve, Domains, Schedule, Trainer
from imbalance_derm.synth.quota import majority_class
from imbalance_derm.synth.sources import draw_sources, hash_tensors
from imbalance_derm.training.context import State, TrainingContext

WEIGHTS_FILE = "generators.safetensors"
_Tensors = dict[str, torch.Tensor]


class CycleGan(Synthesizer):
    """Unpaired image translation from the majority class to each minority class.

    Zhu et al. 2017 with the networks of paper A (Zunair and Ben Hamza 2020). One pair of
    generators is trained for each minority class. A synthetic image is the translation of a
    majority image; no majority image is used twice before all were used, and one that is
    used again is first altered as the ``skin`` policy of ``augment`` does.

    Parameters
    ----------
    generator : {"unet", "resnet"}
        Paper A's U-Net, or the ResNet generator of Zhu et al.
    blocks : int
        U-Net: blocks down and up; the side of the images must divide by two that often.
        ResNet: residual blocks, 6 or 9 in their paper.
    residual : bool
        Whether the generator makes what is added to the image and not the image itself: it
        then starts from the identity, which pays at a small budget.
    filters : int
        Channels after the generator's first block.
    discriminator_filters, discriminator_blocks : int
        Of the PatchGAN: channels after its first block, and strided blocks.
    epochs : float
        Passes over as many images as the smaller class has.
    steps : int
        Updates for each minority class; 0: as many as `epochs` say.
    batch_size : int
        Images of each class in one update.
    learning_rate : float
        Of Adam, beta1 0.5.
    decay : float
        Last share of training in which the learning rate falls linearly to zero; 0 is off.
    image_pool : int
        Past translations kept for the discriminators; 0 is off.
    cycle_weight, identity_weight : float
        Weights beside the adversarial term.

    Examples
    --------
    >>> CycleGan(generator="resnet", blocks=6).generator
    'resnet'
    """

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {
            "blocks": 2, "filters": 4, "discriminator_filters": 4, "discriminator_blocks": 2,
            "steps": 4, "batch_size": 2, "image_pool": 4, "quota": "per_source",
        },
        # Moves phantom and ISIC 2016 images at 64 px to the other class in about a minute on
        # two cores: a light cycle weight, because a residual generator keeps the image anyhow.
        "demo": {
            "residual": True, "filters": 16, "discriminator_filters": 32, "steps": 500,
            "batch_size": 4, "learning_rate": 5e-4, "cycle_weight": 3.0, "quota": "per_source",
        },
        "paper": {"image_pool": 0, "decay": 0.0, "quota": "per_source"},
    }  # fmt: skip

    def __init__(
        self,
        *,
        generator: Literal["unet", "resnet"] = "unet",
        blocks: Annotated[int, Field(ge=1, le=16)] = 4,
        residual: bool = False,
        filters: Annotated[int, Field(ge=1)] = 32,
        discriminator_filters: Annotated[int, Field(ge=1)] = 64,
        discriminator_blocks: Annotated[int, Field(ge=1, le=7)] = 4,
        epochs: Annotated[float, Field(gt=0)] = 100.0,
        steps: Annotated[int, Field(ge=0)] = 0,
        batch_size: Annotated[int, Field(ge=1)] = 1,
        learning_rate: Annotated[float, Field(gt=0, lt=1)] = 2e-4,
        decay: Annotated[float, Field(ge=0, le=1)] = 0.5,
        image_pool: Annotated[int, Field(ge=0)] = 50,
        cycle_weight: Annotated[float, Field(ge=0)] = 10.0,
        identity_weight: Annotated[float, Field(ge=0)] = 1.0,
    ) -> None:
        self.generator = generator
        self.blocks = blocks
        self.residual = residual
        self.filters = filters
        self.discriminator_filters = discriminator_filters
        self.discriminator_blocks = discriminator_blocks
        self.epochs = epochs
        self.steps = steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.decay = decay
        self.image_pool = image_pool
        self.weights = LossWeights(cycle_weight, identity_weight)
        self._generators: dict[str, _Tensors] = {}

    def targets(self, data: LesionSet) -> list[int]:
        """Return every class but the largest, which is what the others are made from."""
        source = majority_class(data.class_counts)
        return [label for label in range(len(data.classes)) if label != source]

    def _fit(self, data: LesionSet, context: TrainingContext) -> dict[str, Any]:
        counts, size = data.class_counts, data.samples.shape[1]
        source = majority_class(counts)
        plans = {label: self._plan(int(min(counts[source], counts[label])))
                 for label in self.targets(data)}  # fmt: skip
        trainer = Trainer(
            partial(self._network, size),
            partial(
                build_discriminator, self.discriminator_filters, self.discriminator_blocks, size
            ),
            self.weights,
            context.accelerator,
        )
        progress = _Progress(context, sum(plan.steps for plan in plans.values()))
        for label, plan in plans.items():
            name = data.classes[label]
            rows = [np.flatnonzero(data.labels == side) for side in (source, label)]
            progress.train(name, trainer, Domains(data.samples, *rows), plan, label)
        self._generators = progress.generators
        return {
            "steps": progress.trained,
            "curves": progress.curves,
            "learned": [
                {
                    "from": data.classes[source],
                    "to": data.classes[label],
                    "steps": plan.steps,
                    "model": hash_tensors(self._generators[data.classes[label]]),
                }
                for label, plan in plans.items()
            ],
        }

    def _network(self, size: int) -> nn.Module:
        return build_generator(self.generator, self.filters, self.blocks, size, self.residual)

    def _plan(self, smaller: int) -> Schedule:
        steps = self.steps or math.ceil(self.epochs * smaller / self.batch_size)
        return Schedule(steps, self.batch_size, self.learning_rate, self.decay, self.image_pool)

    def _sample(
        self, data: LesionSet, label: int, count: int, seed: int, context: TrainingContext
    ) -> Iterator[Chunk]:
        weights = self._generators.get(data.classes[label])
        if weights is None:
            raise InputError(
                f"no CycleGAN was trained to make class '{data.classes[label]}'; "
                f"trained: {', '.join(self._generators) or 'none, fit first'}"
            )
        size = data.samples.shape[1]
        network = self._network(size)
        network.load_state_dict(weights)
        network = network.to(context.accelerator.device).eval()
        model = hash_tensors(weights)
        rows = np.flatnonzero(data.labels == majority_class(data.class_counts))
        for indices, sources, uses in draw_sources(rows, count, seed, label):
            originals = [
                alter(data.samples[row], "skin", np.random.default_rng((seed, label, index)))
                if use
                else data.samples[row]
                for index, row, use in zip(indices, sources, uses, strict=True)
            ]
            with torch.inference_mode():
                made = network(to_tensor(np.stack(originals), context.accelerator.device))
            origins = [
                Provenance("cyclegan", (str(data.image_ids[row]),), seed, model) for row in sources
            ]
            yield Chunk(to_images(made), label, origins)

    def save(self, folder: Path) -> None:
        """Write the generators, keyed ``CLASS/PARAMETER``, as safetensors."""
        tensors = {
            f"{name}/{key}": value.contiguous()
            for name, weights in self._generators.items()
            for key, value in weights.items()
        }
        save_file(tensors, folder / WEIGHTS_FILE)

    def load(self, folder: Path, data: LesionSet, context: TrainingContext) -> None:
        """Read what :meth:`save` wrote."""
        self._generators = {}
        for name, value in load_file(folder / WEIGHTS_FILE).items():
            target, _, key = name.rpartition("/")
            self._generators.setdefault(target, {})[key] = value


class _Progress:
    """Trains the pairs one after another, over interruptions."""

    def __init__(self, context: TrainingContext, total: int) -> None:
        self.context = context
        self.total = total
        state: Any = context.checkpoint.load() or {}
        self.generators: dict[str, _Tensors] = dict(state.get("generators", {}))
        self.curves: dict[str, list[dict[str, float]]] = dict(state.get("curves", {}))
        self.trained: int = state.get("trained", 0)
        self._interrupted: dict[str, Any] = dict(state.get("current", {}))

    def train(
        self, name: str, trainer: Trainer, domains: Domains, plan: Schedule, label: int
    ) -> None:
        """Train the generator of class `name`, unless an earlier process has."""
        if name in self.generators:
            return
        before, checkpoint = self.trained, self.context.checkpoint

        def after_step(done: int, curve: Curve, state: Any) -> None:
            self.trained = before + done
            if done % curve.stretch == 0:
                self.context.progress(self.trained, self.total, curve.latest())
            if checkpoint.due():
                checkpoint.save(self._state(before, {name: state()}))

        # Each pair draws from numbers of its own.
        seed = self.context.seed * 1_000 + label
        self.curves[name] = trainer.train(
            domains, plan, seed, self._interrupted.pop(name, None), after_step
        )
        self.generators[name] = trainer.translator()
        # Also where the interruption came between the last step and here.
        self.trained = before + plan.steps

    def _state(self, trained: int, current: dict[str, State]) -> State:
        return {
            "generators": dict(self.generators),
            "curves": {name: self.curves[name] for name in self.generators},
            "trained": trained,
            "current": current,
        }
