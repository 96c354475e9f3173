"""CutMix: a rectangle of another image pasted in."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import torch
from pydantic import Field

from imbalance_derm.sampling.mixing import Mixed, Mixer, MixingContext, random_partners


class CutMix(Mixer):
    """Paste into each image a rectangle of a partner, at the same place.

    Of the share ``s`` from Beta(alpha, alpha) the rectangle gets sides of ``sqrt(1 - s)`` times
    those of the image; its centre is uniform, and what lies outside of the image is cut off. The
    label's share is the exact share of pixels that are left.

    Parameters
    ----------
    alpha : float
        Of the Beta distribution; 1, uniform, as published.

    Notes
    -----
    A rectangle is drawn for each image; the authors' code draws one for a whole batch. Every
    batch is mixed, as they do on ImageNet (on CIFAR, one in two).

    References
    ----------
    Yun et al. 2019, "CutMix", arXiv 1905.04899, eqs. 1 and 2.

    Examples
    --------
    >>> context = MixingContext(class_counts=torch.tensor([1.0, 1.0]))
    >>> images, labels = torch.rand(2, 3, 8, 8), torch.tensor([0, 1])
    >>> mixed = CutMix().mix(images, labels, context, np.random.default_rng(0))
    >>> mixed.inputs.shape
    torch.Size([2, 3, 8, 8])
    """

    needs_images = True

    def __init__(self, *, alpha: Annotated[float, Field(gt=0)] = 1.0) -> None:
        super().__init__()
        self.alpha = alpha

    def mix(
        self,
        inputs: torch.Tensor,
        labels: torch.Tensor,
        context: MixingContext,
        rng: np.random.Generator,
    ) -> Mixed | None:
        """Return the images with their rectangles; labels have the shares of the pixels."""
        n, _, height, width = inputs.shape
        partners = random_partners(n, rng, inputs.device)
        sides = np.sqrt(1.0 - rng.beta(self.alpha, self.alpha, size=n))
        rows = span(height, sides, rng.integers(height, size=n))
        columns = span(width, sides, rng.integers(width, size=n))
        pasted = torch.from_numpy(rows[:, :, None] & columns[:, None, :]).to(inputs.device)
        weights = 1.0 - pasted.sum(dim=(1, 2), dtype=torch.float32) / (height * width)
        mixed = torch.where(pasted[:, None], inputs[partners], inputs)
        return Mixed(mixed, partners, weights)


def span(size: int, sides: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Return which of `size` pixels lie in each span, bool (n, size).

    Parameters
    ----------
    size : int
        Pixels of the image along this axis.
    sides : ndarray of float, shape (n,)
        Length of each span as a share of the image, in [0, 1].
    centres : ndarray of int, shape (n,)
        Pixels; the part of a span that lies outside of the image is cut off.

    Examples
    --------
    >>> span(6, np.array([0.5, 0.7]), np.array([0, 3])).astype(int).tolist()
    [[1, 0, 0, 0, 0, 0], [0, 1, 1, 1, 1, 0]]
    """
    # As in the authors' code, whole pixels on either side: the length is even.
    half = (size * sides).astype(np.int64) // 2
    pixels = np.arange(size)
    return (pixels >= (centres - half)[:, None]) & (pixels < (centres + half)[:, None])
