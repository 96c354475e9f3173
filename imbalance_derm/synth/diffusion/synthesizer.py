"""The diffusion synthesizer: one class-conditional model that generates, translates, inpaints."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import torch
from diffusers.models.unets.unet_2d import UNet2DModel
from pydantic import Field

from imbalance_derm.data.lesions import LesionSet
from imbalance_derm.errors import InputError
from imbalance_derm.synth.contract import CHUNK, Chunk, Provenance, Synthesizer
from imbalance_derm.synth.diffusion.editing import inpaint, soft_mask, translate
from imbalance_derm.synth.diffusion.network import (
    Denoiser,
    build_unet,
    check_size,
    pretrained_unet,
    process_mismatch,
)
from imbalance_derm.synth.diffusion.sampling import (
    PredictClean,
    Sampler,
    Trajectory,
    draw_noise,
    generate,
    make_predictor,
)
from imbalance_derm.synth.diffusion.schedule import (
    TIMESTEPS,
    NoiseSchedule,
    Prediction,
    make_process,
)
from imbalance_derm.synth.diffusion.training import Plan, image_batches, train
from imbalance_derm.synth.pixels import to_images, to_tensor
from imbalance_derm.synth.quota import majority_class
from imbalance_derm.synth.sources import draw_sources, hash_tensors
from imbalance_derm.training.context import TrainingContext, seed_step

Mode = Literal["generate", "translate", "inpaint"]

_STRENGTHS: dict[Mode, float] = {"translate": 0.6, "inpaint": 1.0}


class Diffusion(Synthesizer):
    """Class-conditional diffusion model with classifier-free guidance, on diffusers.

    Ho et al. 2020; guidance: Ho and Salimans 2022; loss weights: Hang et al. 2023. One
    UNet2DModel learns all classes from all training images. It makes images from noise
    (``generate``), from images of the largest class noised part of the way and denoised as
    another class (``translate``: SDEdit, Meng et al. 2022), or by redrawing the lesion in
    images of the largest class and keeping the skin around it (``inpaint``: RePaint,
    Lugmayr et al. 2022, eq. 8, without resampling). The largest class is the source because
    it has the most skins to offer.

    Parameters
    ----------
    mode : {"generate", "translate", "inpaint"}
        ``inpaint`` needs lesion masks.
    channels : list of int
        Widths of the network from the full resolution down, each at half the side; multiples
        of 8.
    layers_per_block : int
        Residual blocks at each resolution.
    attention : bool
        Self-attention at the lowest resolution.
    start_from : str
        Folder or hub name of a diffusers UNet2DModel, or of a pipeline that has one, to go on
        training from; `channels`, `layers_per_block` and `attention` are then its own. Empty:
        from scratch.
    steps : int
        Updates of the network.
    batch_size : int
        Images in an update, and at the most in one pass while sampling.
    learning_rate : float
        Of Adam.
    warmup : int
        Updates over which the learning rate rises.
    ema : float
        Decay of the moving average of the weights, which is what samples.
    flips : bool
        Mirror training images at random, both ways.
    label_dropout : float
        Share of images trained without their label, for guidance.
    snr_gamma : float
        Of min-SNR weighting; 0 is off.
    noise_schedule : {"cosine", "linear"}
        Of the forward process.
    prediction : {"v_prediction", "epsilon"}
        What the network predicts. The noise, epsilon, says little of the image at the noisy
        end, where few sampling steps leave no room for correction.
    guidance : float
        1 is off; Ho and Salimans's 1 + w. It leads away from what images have in common,
        which is mostly the largest class: much of it exaggerates a rare one.
    sampler : {"dpm++", "ddim"}
        DPM-Solver++(2M), or DDIM with eta 0.
    sampling_steps : int
        From noise to image; a strength below 1 takes its share of them.
    strength : float
        How far towards noise a source image is taken, up to 1; 0: 0.6 to translate, and 1 to
        inpaint. Plays no part in ``generate``.

    Examples
    --------
    >>> Diffusion(mode="inpaint").needs_masks
    True
    """

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {
            "channels": [8, 16], "layers_per_block": 1, "attention": False, "steps": 4,
            "batch_size": 4, "warmup": 0, "sampling_steps": 2, "guidance": 1.0,
            "quota": "balance",
        },
        "demo": {
            "channels": [32, 64, 96], "layers_per_block": 1, "attention": False, "steps": 300,
            "batch_size": 8, "learning_rate": 1e-3, "warmup": 30, "sampling_steps": 10,
            "quota": "balance",
        },
    }  # fmt: skip

    sampling_parameters: ClassVar[frozenset[str]] = frozenset(
        {"mode", "guidance", "sampler", "sampling_steps", "strength"}
    )

    def __init__(
        self,
        *,
        mode: Mode = "generate",
        channels: Annotated[
            tuple[Annotated[int, Field(ge=8, multiple_of=8)], ...], Field(min_length=1)
        ] = (128, 256, 256, 256),
        layers_per_block: Annotated[int, Field(ge=1)] = 2,
        attention: bool = True,
        start_from: str = "",
        steps: Annotated[int, Field(ge=1)] = 50_000,
        batch_size: Annotated[int, Field(ge=1)] = 32,
        learning_rate: Annotated[float, Field(gt=0, lt=1)] = 1e-4,
        warmup: Annotated[int, Field(ge=0)] = 500,
        ema: Annotated[float, Field(ge=0, lt=1)] = 0.9999,
        flips: bool = True,
        label_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1,
        snr_gamma: Annotated[float, Field(ge=0)] = 5.0,
        noise_schedule: NoiseSchedule = "cosine",
        prediction: Prediction = "v_prediction",
        guidance: Annotated[float, Field(ge=1)] = 1.5,
        sampler: Sampler = "dpm++",
        sampling_steps: Annotated[int, Field(ge=1, le=TIMESTEPS)] = 25,
        strength: Annotated[float, Field(ge=0, le=1)] = 0.0,
    ) -> None:
        self.mode: Mode = mode
        self.needs_masks = mode == "inpaint"
        self.channels = tuple(channels)
        self.layers_per_block = layers_per_block
        self.attention = attention
        self.start_from = start_from
        self.batch_size = batch_size
        self.flips = flips
        self.plan = Plan(steps, learning_rate, warmup, ema, label_dropout, snr_gamma)
        self.process = make_process(noise_schedule, prediction)
        self.guidance = guidance
        self.trajectory = Trajectory(sampler, sampling_steps)
        self.strength = None if mode == "generate" else strength or _STRENGTHS[mode]
        self._unet: UNet2DModel | None = None

    def targets(self, data: LesionSet) -> list[int]:
        """Return the classes that can be made: to translate, every one but the largest."""
        every = super().targets(data)
        if self.mode != "translate":
            return every
        source = majority_class(data.class_counts)
        return [label for label in every if label != source]

    def check(self, data: LesionSet) -> None:
        """Refuse what no synthesizer works with, and for a mode with sources a lack of them."""
        super().check(data)
        if self.mode != "generate":
            self._source_rows(data)

    def _fit(self, data: LesionSet, context: TrainingContext) -> dict[str, Any]:
        seed_step(context.seed, -1)  # the weights to begin with are a function of the seed
        unet = self._untrained(data)
        check_size(unet, data.samples.shape[1])
        network, classes = Denoiser(unet), len(data.classes)
        batches = image_batches(
            data.samples, data.labels, self.batch_size, context.seed, self.flips,
            context.accelerator.device,
        )  # fmt: skip
        curve = train(network, batches, self.process, self.plan, classes, context)
        self._unet = unet
        warnings = process_mismatch(self.start_from, self.process) if self.start_from else []
        return {
            "steps": self.plan.steps,
            "curves": {"all classes": curve},
            "learned": [
                {
                    "to": "all classes",
                    "steps": self.plan.steps,
                    "parameters": sum(p.numel() for p in unet.parameters()),
                    "model": hash_tensors(unet.state_dict()),
                }
            ],
            "warnings": warnings,
        }

    def _untrained(self, data: LesionSet) -> UNet2DModel:
        size, classes = data.samples.shape[1], len(data.classes)
        if self.start_from:
            return pretrained_unet(self.start_from, classes)
        return build_unet(size, classes, self.channels, self.layers_per_block, self.attention)

    def _source_rows(self, data: LesionSet) -> np.ndarray:
        source = majority_class(data.class_counts)
        rows = np.flatnonzero(data.labels == source)
        if self.mode == "inpaint":
            if data.masks is None:
                raise InputError(
                    "synth.mode=inpaint needs lesion masks, and this data set has none; use "
                    "--set synth.mode=translate"
                )
            rows = rows[data.masks[rows].any(axis=(1, 2))]
            if not len(rows):
                raise InputError(
                    f"no training image of class '{data.classes[source]}', the largest, has a "
                    "lesion in its mask, and synth.mode=inpaint redraws those; check the masks "
                    "or use --set synth.mode=translate"
                )
        return rows

    def _sample(
        self, data: LesionSet, label: int, count: int, seed: int, context: TrainingContext
    ) -> Iterator[Chunk]:
        if self._unet is None:
            raise InputError("the diffusion model has not been trained; fit it first")
        device = context.accelerator.device
        network = Denoiser(self._unet).to(device).eval()
        model, size = hash_tensors(self._unet.state_dict()), data.samples.shape[1]
        for indices, rows in self._draw(data, label, count, seed):
            images = []
            # As many at a time as training has shown there is memory for.
            for start in range(0, len(indices), self.batch_size):
                part = slice(start, start + self.batch_size)
                noise = draw_noise((3, size, size), seed, label, indices[part]).to(device)
                predict = make_predictor(
                    network, self.process, torch.full((len(noise),), label, device=device),
                    len(data.classes), self.guidance, context.autocast,
                )  # fmt: skip
                images.append(to_images(self._make(predict, noise, data, rows[part])))
            origins = [
                Provenance("diffusion", ids, seed, model, self.mode, self.strength)
                for ids in _source_ids(data, rows, len(indices))
            ]
            yield Chunk(np.concatenate(images), label, origins)

    def _draw(
        self, data: LesionSet, label: int, count: int, seed: int
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Give the samples' numbers and the rows of their sources, none where made from noise."""
        if self.mode == "generate":
            for start in range(0, count, CHUNK):
                yield np.arange(start, min(start + CHUNK, count)), np.empty(0, np.int64)
        else:
            for indices, rows, _ in draw_sources(self._source_rows(data), count, seed, label):
                yield indices, rows

    def _make(
        self, predict: PredictClean, noise: torch.Tensor, data: LesionSet, rows: np.ndarray
    ) -> torch.Tensor:
        if self.strength is None:
            return generate(predict, self.process, noise, self.trajectory)
        originals = to_tensor(data.samples[rows], noise.device)
        how = (self.process, originals, noise, self.trajectory, self.strength)
        if self.mode == "translate" or data.masks is None:
            return translate(predict, *how)
        redrawn = soft_mask(torch.from_numpy(data.masks[rows]).to(noise.device))
        return inpaint(predict, redrawn, *how)

    def save(self, folder: Path) -> None:
        """Write the network as diffusers does: ``config.json`` and safetensors."""
        if self._unet is not None:
            self._unet.save_pretrained(folder)

    def load(self, folder: Path, data: LesionSet, context: TrainingContext) -> None:
        """Read what :meth:`save` wrote."""
        self._unet = UNet2DModel.from_pretrained(folder)


def _source_ids(data: LesionSet, rows: np.ndarray, count: int) -> list[tuple[str, ...]]:
    return [(str(data.image_ids[row]),) for row in rows] if len(rows) else [()] * count
