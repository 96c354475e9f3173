"""Strongly altered copies of training images, by torchvision's transforms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as tv

from imbalance_derm.data.lesions import LesionSet
from imbalance_derm.synth.contract import Chunk, Provenance, Synthesizer
from imbalance_derm.synth.sources import draw_sources
from imbalance_derm.training.context import TrainingContext

_NODES = 13
"""Displaced at random along 1.2 sides: a tenth of the side apart."""

_MOVE = 0.1
"""The picture moves by up to this share of the side."""


class AugmentStrong(Synthesizer):
    """Altered copies of images of the class: strong in geometry, mild in colour.

    Each copy is mirrored or not in both directions, turned by any angle, moved by up to a tenth
    of the side, zoomed, sheared, deformed elastically, and changed in brightness, contrast,
    saturation and hue (torchvision.transforms.v2). Shape and place carry little of a diagnosis;
    colour carries much, so that hue stays within what cameras and skin do. What comes into the
    picture from outside is mirrored skin and never black. No image is copied twice before all
    were copied once.

    Parameters
    ----------
    zoom : float
        Sides grow or shrink by up to this share.
    shear : float
        Up to so many degrees in both directions.
    elastic : float
        Standard deviation of the elastic displacement, as a share of the side. Nodes a tenth of
        the side apart are displaced, what lies between them by bicubic interpolation
        (Ronneberger et al. 2015, section 3.1).
    colour : float
        Brightness, contrast and saturation change by up to this share.
    hue : float
        Hue turns by up to this share of a full circle; 0.02 is 7 degrees.

    Examples
    --------
    >>> AugmentStrong(shear=5.0).shear
    5.0
    """

    presets: ClassVar[dict[str, dict[str, Any]]] = {}

    def __init__(
        self,
        *,
        zoom: Annotated[float, Field(ge=0, le=0.25)] = 0.2,
        shear: Annotated[float, Field(ge=0, le=15)] = 10.0,
        elastic: Annotated[float, Field(ge=0, le=0.02)] = 0.015,
        colour: Annotated[float, Field(ge=0, le=0.5)] = 0.2,
        hue: Annotated[float, Field(ge=0, le=0.05)] = 0.02,
    ) -> None:
        self.zoom = zoom
        self.shear = shear
        self.elastic = elastic
        self.colour = colour
        self.hue = hue

    def _fit(self, data: LesionSet, context: TrainingContext) -> dict[str, Any]:
        return {}

    def _sample(
        self, data: LesionSet, label: int, count: int, seed: int, context: TrainingContext
    ) -> Iterator[Chunk]:
        transform = self.transform(data.samples.shape[1])
        rows = np.flatnonzero(data.labels == label)
        for indices, sources, _ in draw_sources(rows, count, seed, label):
            images = [
                _apply(transform, data.samples[row], (seed, label, int(index)))
                for index, row in zip(indices, sources, strict=True)
            ]
            origins = [
                Provenance("augment_strong", (str(data.image_ids[row]),), seed) for row in sources
            ]
            yield Chunk(np.stack(images), label, origins)

    def transform(self, side: int) -> v2.Transform:
        """Return the alteration of images with `side` pixels a side.

        Returns
        -------
        torchvision.transforms.v2.Transform
            From float32 (3, side, side) in [0, 1] to the same; draws from torch's generator.
        """
        # Turned, sheared, shrunk and moved as far as the parameters allow, the picture shows
        # what is at most 1.4 sides from its centre; mirroring cannot fill more than 1.5.
        frame, margin = int(0.95 * side), int(0.1 * side) + 1
        moved = _MOVE * side / (side + 2 * frame)
        return v2.Compose(
            [
                v2.RandomHorizontalFlip(),
                v2.RandomVerticalFlip(),
                v2.Pad(margin, padding_mode="reflect"),
                v2.Lambda(partial(_deform, spread=self.elastic * side / (side + 2 * margin))),
                v2.CenterCrop(side),
                v2.Pad(frame, padding_mode="reflect"),
                v2.RandomAffine(
                    degrees=180,
                    translate=(moved, moved),
                    scale=(1 - self.zoom, 1 + self.zoom),
                    shear=(-self.shear, self.shear, -self.shear, self.shear),
                    interpolation=v2.InterpolationMode.BILINEAR,
                ),
                v2.CenterCrop(side),
                v2.ColorJitter(self.colour, self.colour, self.colour, self.hue),
            ]
        )


def _deform(x: torch.Tensor, spread: float) -> torch.Tensor:
    nodes = 2 * spread * torch.randn(1, 2, _NODES, _NODES)  # torchvision's side is 2 long
    field = F.interpolate(nodes, size=x.shape[-2:], mode="bicubic", align_corners=True)
    return tv.elastic(x, field.permute(0, 2, 3, 1))


def _apply(
    transform: Callable[[torch.Tensor], torch.Tensor], image: np.ndarray, key: tuple[int, ...]
) -> np.ndarray:
    seed = int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0])
    x = torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255
    # torchvision knows no generator but torch's own, which others go on drawing from; the
    # generators of GPUs are neither used nor reseeded.
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        altered = transform(x)
    return (altered.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
