"""Altered copies of training images, made once and stored (Augment-5x and -10x of paper A)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as tv

from imbalance_derm.data.lesions import LesionSet
from imbalance_derm.synth.contract import Chunk, Provenance, Synthesizer
from imbalance_derm.synth.sources import draw_sources
from imbalance_derm.training.context import TrainingContext

Policy = Literal["skin", "paper"]
_Alteration = Callable[[torch.Tensor, np.random.Generator], torch.Tensor]


class Augment(Synthesizer):
    """Offline altered copies of training images of every class.

    With quota ``x5`` five copies of *every* training image are added, as in Augment-5x of
    paper A (Zunair and Ben Hamza 2020); with ``x10`` ten.

    Parameters
    ----------
    policy : {"skin", "paper"}
        ``skin``: flips, any rotation, mild zoom, and the changes of brightness, contrast,
        white balance, sharpness and noise that cameras make; skin keeps its colour.
        ``paper``: paper A's list, which turns the hue of every copy by 100 to 200 degrees.

    Examples
    --------
    >>> Augment(policy="paper").policy
    'paper'
    """

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"quota": "x1"},
        "demo": {"quota": "x5"},
        "paper": {"policy": "paper", "quota": "x5"},
    }

    def __init__(self, *, policy: Policy = "skin") -> None:
        self.policy = policy

    def _fit(self, data: LesionSet, context: TrainingContext) -> dict[str, Any]:
        return {}

    def _sample(
        self, data: LesionSet, label: int, count: int, seed: int, context: TrainingContext
    ) -> Iterator[Chunk]:
        rows = np.flatnonzero(data.labels == label)
        for indices, sources, _ in draw_sources(rows, count, seed, label):
            images = [
                alter(data.samples[row], self.policy, np.random.default_rng((seed, label, index)))
                for index, row in zip(indices, sources, strict=True)
            ]
            origins = [Provenance("augment", (str(data.image_ids[row]),), seed) for row in sources]
            yield Chunk(np.stack(images), label, origins)


def alter(image: np.ndarray, policy: Policy, rng: np.random.Generator) -> np.ndarray:
    """Return an altered copy of one image.

    Parameters
    ----------
    image : ndarray of uint8, shape (size, size, 3)
    policy : {"skin", "paper"}
    rng : numpy Generator
        The only source of randomness.

    Returns
    -------
    ndarray of uint8, shape (size, size, 3)

    Examples
    --------
    >>> alter(np.zeros((8, 8, 3), np.uint8), "skin", np.random.default_rng(0)).shape
    (8, 8, 3)
    """
    x = torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255
    for alteration in _POLICIES[policy](rng):
        x = alteration(x, rng).clamp(0, 1)
    return (x * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()


def _skin(rng: np.random.Generator) -> list[_Alteration]:
    return [_place, _light, _white_balance, _soften, _camera_noise]


def _place(x: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    # One resampling for flip, rotation and zoom; corners are filled by mirrored skin.
    angle, zoom = rng.uniform(-np.pi, np.pi), rng.uniform(0.85, 1.0)
    mirror = 1 if rng.random() < 0.5 else -1
    cos, sin = zoom * np.cos(angle), zoom * np.sin(angle)
    theta = torch.tensor([[[mirror * cos, -sin, 0.0], [mirror * sin, cos, 0.0]]])
    grid = F.affine_grid(theta.float(), [1, *x.shape], align_corners=False)
    return F.grid_sample(x[None], grid, padding_mode="reflection", align_corners=False)[0]


def _light(x: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    x = tv.adjust_brightness(x, rng.uniform(0.85, 1.15))
    return tv.adjust_contrast(x, rng.uniform(0.85, 1.15))


def _white_balance(x: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    return x * torch.tensor(rng.uniform(0.96, 1.04, (3, 1, 1))).float()


def _soften(x: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    return _blur(x, rng.uniform(0.1, 0.8)) if rng.random() < 0.3 else x


def _camera_noise(x: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    return _noise(x, rng.uniform(0, 0.02), rng) if rng.random() < 0.5 else x


def _paper(rng: np.random.Generator) -> list[_Alteration]:
    steps: list[_Alteration] = [
        _paper_contrast, _paper_crop, _paper_blur, _paper_noise, _paper_affine, _paper_dropout,
        _paper_hue,
    ]  # fmt: skip
    return [steps[place] for place in rng.permutation(len(steps))]


def _paper_contrast(x: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    return 0.5 + rng.uniform(0.5, 1.5) * (x - 0.5)


def _paper_crop(x: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    # Up to 20 % off each side, then back to the full size.
    size = x.shape[-1]
    top, left, bottom, right = (rng.uniform(0, 0.2, 4) * size).astype(int)
    cropped = x[:, top : size - bottom, left : size - right]
    return tv.resize(cropped, [size, size], antialias=True)


def _paper_blur(x: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    return _blur(x, rng.uniform(0.01, 0.5)) if rng.random() < 0.5 else x


def _paper_noise(x: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    return _noise(x, rng.uniform(0, 0.05), rng) if rng.random() < 0.7 else x


def _paper_affine(x: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    shift = rng.uniform(-0.2, 0.2, 2) * x.shape[-1]
    return tv.affine(
        x,
        angle=rng.uniform(-25, 25),
        translate=[float(shift[0]), float(shift[1])],
        scale=1.0,
        shear=[rng.uniform(-25, 25), 0.0],
        interpolation=InterpolationMode.BILINEAR,
    )


def _paper_dropout(x: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    # 3 % of the cells of a coarse grid turn black. The cell size is not published; an
    # eighth of the side is used.
    if rng.random() >= 0.8:
        return x
    kept = torch.from_numpy(rng.random((1, 1, 8, 8)) >= 0.03).float()
    return x * F.interpolate(kept, size=x.shape[-2:], mode="nearest")[0]


def _paper_hue(x: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    # 50 to 100 on OpenCV's scale of 180 is 100 to 200 degrees; torchvision counts in turns
    # from -0.5 to 0.5.
    turn = rng.uniform(50, 100) / 180
    return tv.adjust_hue(x, turn - 1 if turn > 0.5 else turn)


def _blur(x: torch.Tensor, sigma: float) -> torch.Tensor:
    return tv.gaussian_blur(x, [5, 5], [sigma, sigma])


def _noise(x: torch.Tensor, sigma: float, rng: np.random.Generator) -> torch.Tensor:
    return x + sigma * torch.from_numpy(rng.standard_normal(x.shape, dtype=np.float32))


_POLICIES: dict[str, Callable[[np.random.Generator], list[_Alteration]]] = {
    "skin": _skin,
    "paper": _paper,
}
