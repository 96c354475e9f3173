"""The CycleGAN synthesizer: majority images translated to each minority class."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from pydantic import Field
from safetensors.torch import load_file, save_file

from imbalance_derm.data.lesions import LesionSet
from imbalance_derm.errors import InputError
from imbalance_derm.synth.augment import alter
from imbalance_derm.synth.contract import Chunk, Provenance, Synthesizer
from imbalance_derm.synth.cyclegan.architecture import Architecture, Models
from imbalance_derm.synth.cyclegan.checks import IMAGES, examine, remedies, warn
from imbalance_derm.synth.cyclegan.curve import Point
from imbalance_derm.synth.cyclegan.diffaugment import POLICY_PATTERN
from imbalance_derm.synth.cyclegan.generators import GeneratorName
from imbalance_derm.synth.cyclegan.losses import LossWeights
from imbalance_derm.synth.cyclegan.progress import Progress, Tensors
from imbalance_derm.synth.cyclegan.schedule import SOURCE, Domains, Schedule
from imbalance_derm.synth.cyclegan.trainer import Trainer
from imbalance_derm.synth.pixels import to_images, to_tensor
from imbalance_derm.synth.quota import majority_class
from imbalance_derm.synth.sources import draw_sources, hash_tensors
from imbalance_derm.training.context import TrainingContext

WEIGHTS_FILE = "generators.safetensors"
SHARED = "shared"
"""Name of the one model that makes every class."""


class CycleGan(Synthesizer):
    """Unpaired image translation from the majority class to each minority class.

    Zhu et al. 2017 with the networks of paper A (Zunair and Ben Hamza 2020). A synthetic image is
    the translation of a majority image; no majority image is used twice before all were used, and
    one that is used again is first altered as the ``skin`` policy of ``augment`` does. After
    training, output that equals input and a discriminator that has won are told with figures.

    Parameters
    ----------
    models : {"per_pair", "shared"}
        A pair of generators and of discriminators for each minority class; or one generator for
        all classes, told which by label planes (StarGAN, Choi et al. 2018), and one
        discriminator with a score for each class (Choi et al. 2020): minority classes take
        turns, and train one model instead of one each.
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
        Updates for each minority class, also where they share a model, which then gets as many
        as all of them together; 0: as many as `epochs` say.
    batch_size : int
        Images of each class in one update.
    learning_rate : float
        Of Adam, beta1 0.5.
    discriminator_learning_rate : float
        Of the discriminators' Adam (Heusel et al. 2017, arXiv 1706.08500); 0: `learning_rate`.
    decay : float
        Last share of training in which the learning rate falls linearly to zero; 0 is off.
    image_pool : int
        Past translations kept for the discriminators; 0 is off.
    cycle_weight, identity_weight : float
        Weights beside the adversarial term.
    diffaugment : str
        Random transforms of what the discriminators see, real and translated alike, so that few
        images are not learnt by heart (Zhao et al. 2020, arXiv 2006.10738): ``color``,
        ``translation`` and ``cutout`` joined by commas, or ``none``.
    spectral_norm : bool
        Whether the discriminators' weights are divided by their largest singular value (Miyato et
        al. 2018, arXiv 1802.05957).
    ema : float
        Decay of the moving average of the generators' weights that samples are made with, lower
        in the first steps; 0: the last weights.

    Examples
    --------
    >>> CycleGan(generator="resnet", blocks=6).architecture.generator
    'resnet'
    """

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {
            "blocks": 2, "filters": 4, "discriminator_filters": 4, "discriminator_blocks": 2,
            "steps": 4, "batch_size": 2, "image_pool": 4, "ema": 0.5, "quota": "per_source",
        },
        # Moves phantom and ISIC 2016 images at 64 px to the other class in about a minute on
        # two cores: a light cycle weight, because a residual generator keeps the image anyhow.
        "demo": {
            "residual": True, "filters": 16, "discriminator_filters": 32, "steps": 500,
            "batch_size": 4, "learning_rate": 5e-4, "cycle_weight": 3.0,
            "ema": 0.0, "quota": "per_source",
        },
        "paper": {
            "image_pool": 0, "decay": 0.0, "diffaugment": "none", "ema": 0.0,
            "quota": "per_source",
        },
    }  # fmt: skip

    def __init__(
        self,
        *,
        models: Models = "per_pair",
        generator: GeneratorName = "unet",
        blocks: Annotated[int, Field(ge=1, le=16)] = 4,
        residual: bool = False,
        filters: Annotated[int, Field(ge=1)] = 32,
        discriminator_filters: Annotated[int, Field(ge=1)] = 64,
        discriminator_blocks: Annotated[int, Field(ge=1, le=7)] = 4,
        epochs: Annotated[float, Field(gt=0)] = 100.0,
        steps: Annotated[int, Field(ge=0)] = 0,
        batch_size: Annotated[int, Field(ge=1)] = 1,
        learning_rate: Annotated[float, Field(gt=0, lt=1)] = 2e-4,
        discriminator_learning_rate: Annotated[float, Field(ge=0, lt=1)] = 0.0,
        decay: Annotated[float, Field(ge=0, le=1)] = 0.5,
        image_pool: Annotated[int, Field(ge=0)] = 50,
        cycle_weight: Annotated[float, Field(ge=0)] = 10.0,
        identity_weight: Annotated[float, Field(ge=0)] = 1.0,
        diffaugment: Annotated[str, Field(pattern=POLICY_PATTERN)] = "none",
        spectral_norm: bool = False,
        ema: Annotated[float, Field(ge=0, lt=1)] = 0.999,
    ) -> None:
        self.architecture = Architecture(
            models, generator, blocks, residual, filters, discriminator_filters,
            discriminator_blocks, spectral_norm,
        )  # fmt: skip
        self.schedule = Schedule(
            steps, batch_size, learning_rate, decay, image_pool, discriminator_learning_rate,
            diffaugment,
        )  # fmt: skip
        self.weights = LossWeights(cycle_weight, identity_weight)
        self.epochs = epochs
        self.ema = ema
        self._trained: dict[str, Tensors] = {}

    def targets(self, data: LesionSet) -> list[int]:
        """Return every class but the largest, which is what the others are made from."""
        source = majority_class(data.class_counts)
        return [label for label in range(len(data.classes)) if label != source]

    def _fit(self, data: LesionSet, context: TrainingContext) -> dict[str, Any]:
        size, source = data.samples.shape[1], majority_class(data.class_counts)
        groups = self._groups(data)
        plans = {name: self._plan(data, group) for name, group in groups.items()}
        progress = Progress(context, sum(plan.steps for plan in plans.values()))
        # Pairs are trained one after another with the same networks.
        domains = range(len(next(iter(groups.values()), [])) + 1)
        trainer = Trainer(
            self.architecture.generators(size, domains),
            self.architecture.judges(size, domains),
            self.weights,
            context,
            self.ema,
        )
        for name, group in groups.items():
            rows = tuple(np.flatnonzero(data.labels == label) for label in (source, *group))
            classes = [data.classes[label] for label in group]
            # Each model draws from numbers of its own.
            seed = context.seed * 1_000 + group[0]
            images = Domains(data.samples, rows)
            progress.train(name, classes, trainer, images, plans[name], seed)
        self._trained = progress.models
        facts: dict[str, Any] = {
            "steps": progress.trained,
            "curves": progress.curves,
            "learned": [
                {
                    "from": data.classes[source],
                    "to": [data.classes[label] for label in group],
                    "steps": plans[name].steps,
                    "model": hash_tensors(self._trained[name]),
                }
                for name, group in groups.items()
            ],
        }
        return {**facts, **self._check(data, facts["curves"], context)}

    def _check(
        self, data: LesionSet, curves: dict[str, list[Point]], context: TrainingContext
    ) -> dict[str, Any]:
        checks, warnings = {}, []
        for label in self.targets(data):
            name = data.classes[label]
            source, target = (
                data.samples[np.random.default_rng(context.seed).permutation(rows)[:IMAGES]]
                for rows in (self._sources(data), np.flatnonzero(data.labels == label))
            )
            _, translate = self._translator(data, label, context)
            figures = examine(source, translate(source), target, curves[name])
            checks[name] = asdict(figures)
            steps = int(curves[name][-1]["step"])
            tried = remedies(self.weights, self.schedule, self.architecture.spectral_norm, steps)
            warnings += warn(name, figures, *tried)
        return {"checks": checks, "warnings": warnings}

    def _groups(self, data: LesionSet) -> dict[str, list[int]]:
        """Return the classes that each model makes."""
        labels = self.targets(data)
        if self.architecture.models == "shared":
            return {SHARED: labels} if labels else {}
        return {data.classes[label]: [label] for label in labels}

    def _plan(self, data: LesionSet, group: list[int]) -> Schedule:
        given, batch = self.schedule.steps, self.schedule.batch_size
        counts = (int(data.class_counts[label]) for label in group)
        steps = sum(given or math.ceil(self.epochs * count / batch) for count in counts)
        return replace(self.schedule, steps=steps)

    def _translator(
        self, data: LesionSet, label: int, context: TrainingContext
    ) -> tuple[str, Callable[[np.ndarray], np.ndarray]]:
        """Return the hash of the model that makes `label`, and what translates images with it."""
        groups = self._groups(data).items()
        name, group = next(((n, g) for n, g in groups if label in g), ("", []))
        weights = self._trained.get(name)
        if weights is None:
            raise InputError(
                f"no CycleGAN was trained to make class '{data.classes[label]}'; "
                f"trained: {', '.join(self._trained) or 'none, fit first'}"
            )
        device = context.accelerator.device
        # The way back to the source class is not kept.
        network = self.architecture.generators(
            data.samples.shape[1], range(SOURCE + 1, len(group) + 1)
        )
        network.load_state_dict(weights)
        network = network.to(device).eval()
        domain = group.index(label) + 1

        def translate(images: np.ndarray) -> np.ndarray:
            with torch.inference_mode(), context.autocast():
                return to_images(network(to_tensor(images, device), domain))

        return hash_tensors(weights), translate

    def _sources(self, data: LesionSet) -> np.ndarray:
        return np.flatnonzero(data.labels == majority_class(data.class_counts))

    def _sample(
        self, data: LesionSet, label: int, count: int, seed: int, context: TrainingContext
    ) -> Iterator[Chunk]:
        model, translate = self._translator(data, label, context)
        for indices, sources, uses in draw_sources(self._sources(data), count, seed, label):
            originals = [
                alter(data.samples[row], "skin", np.random.default_rng((seed, label, index)))
                if use
                else data.samples[row]
                for index, row, use in zip(indices, sources, uses, strict=True)
            ]
            origins = [
                Provenance("cyclegan", (str(data.image_ids[row]),), seed, model, "translate")
                for row in sources
            ]
            yield Chunk(translate(np.stack(originals)), label, origins)

    def save(self, folder: Path) -> None:
        """Write the generators, keyed ``MODEL/PARAMETER``, as safetensors."""
        tensors = {
            f"{name}/{key}": value.contiguous()
            for name, weights in self._trained.items()
            for key, value in weights.items()
        }
        save_file(tensors, folder / WEIGHTS_FILE)

    def load(self, folder: Path, data: LesionSet, context: TrainingContext) -> None:
        """Read what :meth:`save` wrote."""
        self._trained = {}
        for name, value in load_file(folder / WEIGHTS_FILE).items():
            model, _, key = name.rpartition("/")
            self._trained.setdefault(model, {})[key] = value
