"""A history of translated images for the discriminator (Shrivastava et al. 2017)."""

from __future__ import annotations

import numpy as np
import torch


class ImagePool:
    """Hands the discriminator old translations half of the time.

    Until the pool is full every image is kept and returned. Then, with probability 1/2, an
    image is returned as it is; else it takes the place of a stored one, which is returned.

    Parameters
    ----------
    size : int
        Images kept; 0 returns every image unchanged.

    Examples
    --------
    >>> pool = ImagePool(0)
    >>> pool.query(torch.ones(1, 3, 2, 2), np.random.default_rng(0)).sum().item()
    12.0
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.images: list[torch.Tensor] = []

    def query(self, images: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
        """Return as many images as were given, (n, 3, h, w), detached."""
        if self.size == 0:
            return images.detach()
        returned = []
        for image in images.detach():
            if len(self.images) < self.size:
                self.images.append(image.clone())
                returned.append(image)
            elif rng.random() < 0.5:
                returned.append(image)
            else:
                place = int(rng.integers(self.size))
                returned.append(self.images[place])
                self.images[place] = image.clone()
        return torch.stack(returned)
