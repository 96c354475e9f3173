"""Batches of one domain, and the one fixed map between 8-bit images and the networks' range."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch


def draw_batch(
    samples: np.ndarray,
    rows: np.ndarray,
    step: int,
    size: int,
    seed: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return the images of one step; each image is seen once before any is seen again.

    Parameters
    ----------
    samples : ndarray of uint8, shape (n, side, side, 3)
    rows : ndarray of int
        Rows of `samples` that belong to the domain.
    step, size, seed : int
        Step, images in a batch, and the seed of the order.
    rng : numpy Generator
        Decides which images are mirrored left to right: each with probability 1/2.

    Returns
    -------
    ndarray of uint8, shape (size, side, side, 3)

    Examples
    --------
    >>> images = np.zeros((3, 4, 4, 3), np.uint8)
    >>> draw_batch(images, np.arange(3), 0, 2, seed=0, rng=np.random.default_rng(0)).shape
    (2, 4, 4, 3)
    """
    chosen = [
        rows[_order(len(rows), seed, position // len(rows))[position % len(rows)]]
        for position in range(step * size, (step + 1) * size)
    ]
    mirrored = rng.random(size) < 0.5
    return np.stack(
        [
            samples[row][:, ::-1] if mirror else samples[row]
            for row, mirror in zip(chosen, mirrored, strict=True)
        ]
    )


def to_tensor(images: np.ndarray, device: torch.device) -> torch.Tensor:
    """Map uint8 (n, size, size, 3) to float32 (n, 3, size, size) in [-1, 1].

    Examples
    --------
    >>> to_tensor(np.full((1, 2, 2, 3), 255, np.uint8), torch.device("cpu")).max().item()
    1.0
    """
    tensor = torch.from_numpy(np.ascontiguousarray(images)).to(device)
    return tensor.permute(0, 3, 1, 2).contiguous().float() / 127.5 - 1


def to_images(tensor: torch.Tensor) -> np.ndarray:
    """Map [-1, 1] back to uint8 by one fixed line, the same for every image.

    Examples
    --------
    >>> to_images(torch.tensor([-1.0, 0.0, 1.0]).view(1, 3, 1, 1)).ravel().tolist()
    [0, 128, 255]
    """
    scaled = ((tensor.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return scaled.permute(0, 2, 3, 1).contiguous().cpu().numpy()


@lru_cache(maxsize=8)
def _order(count: int, seed: int, epoch: int) -> np.ndarray:
    return np.random.default_rng((seed, epoch, count)).permutation(count)
