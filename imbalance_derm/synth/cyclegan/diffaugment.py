"""Random transforms of what discriminators see, through which gradients flow.

Zhao et al. 2020, arXiv 2006.10738, section 3: with few images a discriminator learns them by
heart; shown real and translated images under the same transforms, it cannot, and the generator
is not taught to make transformed images. Strengths are those of the paper's section 4. Colour is
moved along brightness, saturation and contrast only: the hue of skin stays what it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F

Transform = Callable[[torch.Tensor], torch.Tensor]

POLICY_PATTERN = r"^(none|(color|translation|cutout)(,(color|translation|cutout))*)$"
"""``none``, or transforms joined by commas, in the order in which they are done."""

_SHIFT = 0.125
_HOLE = 0.5


def colour(
    images: torch.Tensor,
    brightness: Sequence[float],
    saturation: Sequence[float],
    contrast: Sequence[float],
) -> torch.Tensor:
    """Add brightness, then scale the distance from grey, then from the image's mean.

    Parameters
    ----------
    images : Tensor, shape (n, 3, h, w)
    brightness, saturation, contrast : sequence of float, length n
        0, 1 and 1 leave an image as it is.

    Examples
    --------
    >>> grey = torch.zeros(1, 3, 2, 2)
    >>> colour(grey, [0.5], [2.0], [1.5]).unique()
    tensor([0.5000])
    """
    light, colourful, strong = (
        torch.as_tensor(values, dtype=images.dtype, device=images.device).view(-1, 1, 1, 1)
        for values in (brightness, saturation, contrast)
    )
    images = images + light
    images = torch.lerp(images.mean(1, keepdim=True), images, colourful)
    return torch.lerp(images.mean((1, 2, 3), keepdim=True), images, strong)


def translate(images: torch.Tensor, shifts: np.ndarray) -> torch.Tensor:
    """Shift each image by whole pixels; what comes in is 0.

    Parameters
    ----------
    images : Tensor, shape (n, c, h, w)
    shifts : ndarray of int, shape (n, 2)
        Pixels down and to the right.

    Examples
    --------
    >>> translate(torch.ones(1, 1, 2, 2), np.array([[0, 1]])).tolist()
    [[[[0.0, 1.0], [0.0, 1.0]]]]
    """
    return torch.stack(
        [
            # A negative pad crops.
            F.pad(image, (right, -right, down, -down))
            for image, (down, right) in zip(images, shifts.tolist(), strict=True)
        ]
    )


def cut_out(images: torch.Tensor, corners: np.ndarray, side: int) -> torch.Tensor:
    """Set a square of each image to 0; it may hang over the edge.

    Parameters
    ----------
    images : Tensor, shape (n, c, h, w)
    corners : ndarray of int, shape (n, 2)
        Row and column of the square's upper left pixel; may be negative.
    side : int
        Of the square; 0 leaves the images as they are.

    Examples
    --------
    >>> cut_out(torch.ones(1, 1, 2, 2), np.array([[-1, 0]]), 2).tolist()
    [[[[0.0, 0.0], [1.0, 1.0]]]]
    """
    kept = np.ones((len(images), 1, *images.shape[2:]), np.float32)
    for hole, (top, left) in zip(kept, corners.tolist(), strict=True):
        hole[:, max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)] = 0
    return images * torch.from_numpy(kept).to(images.device, images.dtype)


def draw_transform(policy: str, count: int, size: int, rng: np.random.Generator) -> Transform:
    """Draw the transform of one step, to be applied to real and translated images alike.

    Parameters
    ----------
    policy : str
        Matches :data:`POLICY_PATTERN`.
    count : int
        Images in a batch; each has draws of its own.
    size : int
        Side of the images.
    rng : numpy Generator

    Returns
    -------
    callable
        Maps (count, 3, size, size) to the same shape.

    Examples
    --------
    >>> draw = draw_transform("color,cutout", 2, 8, np.random.default_rng(0))
    >>> draw(torch.zeros(2, 3, 8, 8)).shape
    torch.Size([2, 3, 8, 8])
    """
    names = [] if policy == "none" else policy.split(",")
    return partial(_chain, [_DRAWS[name](count, size, rng) for name in names])


def _chain(transforms: list[Transform], images: torch.Tensor) -> torch.Tensor:
    for transform in transforms:
        images = transform(images)
    return images


def _draw_colour(count: int, size: int, rng: np.random.Generator) -> Transform:
    ranges = ((-0.5, 0.5), (0.0, 2.0), (0.5, 1.5))
    drawn = (rng.uniform(low, high, count).tolist() for low, high in ranges)
    return partial(
        colour, **dict(zip(("brightness", "saturation", "contrast"), drawn, strict=True))
    )


def _draw_translation(count: int, size: int, rng: np.random.Generator) -> Transform:
    furthest = round(_SHIFT * size)
    shifts = rng.integers(-furthest, furthest, (count, 2), endpoint=True)
    return partial(translate, shifts=shifts)


def _draw_cutout(count: int, size: int, rng: np.random.Generator) -> Transform:
    side = round(_HOLE * size)
    # The centre lies anywhere in the image.
    return partial(cut_out, corners=rng.integers(0, size, (count, 2)) - side // 2, side=side)


_DRAWS = {"color": _draw_colour, "translation": _draw_translation, "cutout": _draw_cutout}
