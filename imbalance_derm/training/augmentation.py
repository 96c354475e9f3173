"""Random alterations of a batch on its device, drawn anew each time an image is seen."""

from __future__ import annotations

import torch
from torch.nn import functional


def dihedral(images: torch.Tensor) -> torch.Tensor:
    """Apply to each image one of the eight flips and transposes of a square, at random.

    Parameters
    ----------
    images : Tensor, float (n, 3, s, s)

    Examples
    --------
    >>> images = torch.rand(4, 3, 8, 8)
    >>> torch.allclose(dihedral(images).sum((2, 3)), images.sum((2, 3)), atol=1e-4)
    True
    """
    choice = torch.randint(0, 8, (len(images),), device="cpu").to(images.device)
    flip_x, flip_y, transpose = ((choice >> bit & 1).bool().view(-1, 1, 1, 1) for bit in range(3))
    images = torch.where(flip_x, images.flip(3), images)
    images = torch.where(flip_y, images.flip(2), images)
    return torch.where(transpose, images.transpose(2, 3), images)


def photo(images: torch.Tensor) -> torch.Tensor:
    """Dihedral, then what cameras do: zoom by up to 25 %, shift by 10 %, light and white balance.

    Brightness and each channel's gain vary by up to 10 %, contrast by up to 15 %; hue is left
    alone, because colour is a diagnostic criterion.

    Parameters
    ----------
    images : Tensor, float (n, 3, s, s) in [0, 1]
    """
    images = dihedral(images)
    n, device, dtype = len(images), images.device, images.dtype

    def uniform(low: float, high: float, *shape: int) -> torch.Tensor:
        return torch.empty(n, *shape).uniform_(low, high).to(device=device, dtype=dtype)

    theta = torch.zeros(n, 2, 3, device=device, dtype=dtype)
    theta[:, 0, 0] = theta[:, 1, 1] = uniform(0.75, 1.0)
    theta[:, :, 2] = uniform(-0.1, 0.1, 2)
    grid = functional.affine_grid(theta, list(images.shape), align_corners=False)
    images = functional.grid_sample(
        images, grid, mode="bilinear", padding_mode="reflection", align_corners=False
    )
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    images = (images - mean) * uniform(0.85, 1.15, 1, 1, 1) + mean
    return (images * uniform(0.9, 1.1, 1, 1, 1) * uniform(0.95, 1.05, 3, 1, 1)).clamp(0, 1)


def unchanged(images: torch.Tensor) -> torch.Tensor:
    """Return `images` as they are."""
    return images


AUGMENTATIONS = {"none": unchanged, "dihedral": dihedral, "photo": photo}
