"""Encoder and decoder, shaped like the discriminator and the generator of a DCGAN."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn

from imbalance_derm.errors import InputError

SMALLEST, LARGEST = 4, 7
"""Side, in pixels, of the feature maps after the last halving."""


def halvings(size: int) -> int:
    """Return how often a side of `size` pixels is halved until 4 to 7 px are left.

    Raises
    ------
    InputError
        It cannot be halved to that; the nearest side that can is named.

    Examples
    --------
    >>> [halvings(size) for size in (32, 64, 128, 224)]
    [3, 4, 5, 5]
    """
    if _fits(size):
        return _count(size)
    near = min(filter(_fits, range(2 * SMALLEST, 2 * size + 9)), key=lambda side: abs(side - size))
    raise InputError(
        f"DeepSMOTE halves images until {SMALLEST} to {LARGEST} px are left, which {size} px does "
        f"not divide to; use --set data.image_size={near}"
    )


def _count(size: int) -> int:
    return 0 if size <= LARGEST else 1 + _count(size // 2)


def _fits(size: int) -> bool:
    return size >= 2 * SMALLEST and size % 2 ** _count(size) == 0


class Encoder(nn.Sequential):
    """Strided 4x4 convolutions, each halving the side, and a linear layer to the code.

    Channels double from `filters` to eight times that; every convolution but the first is
    batch-normalised and all are followed by a leaky ReLU of slope 0.2.

    Parameters
    ----------
    size : int
        Side of the images in pixels, see :func:`halvings`.
    filters : int
        Channels after the first convolution.
    latent_size : int
        Length of a code.

    Examples
    --------
    >>> Encoder(32, filters=4, latent_size=10)(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(self, size: int, filters: int, latent_size: int) -> None:
        widths = _widths(size, filters)
        layers: list[nn.Module] = []
        for place, (inputs, outputs) in enumerate(zip([3, *widths], widths, strict=False)):
            # The bias in front of a batch norm would be taken away again.
            layers.append(nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=place == 0))
            layers += [nn.BatchNorm2d(outputs)] if place else []
            layers.append(nn.LeakyReLU(0.2))
        side = size // 2 ** len(widths)
        super().__init__(*layers, nn.Flatten(), nn.Linear(widths[-1] * side**2, latent_size))


class Decoder(nn.Sequential):
    """A linear layer from the code, then transposed 4x4 convolutions, each doubling the side.

    The mirror image of :class:`Encoder`, with ReLU, and tanh at the end.

    Parameters
    ----------
    size, filters, latent_size : int
        As :class:`Encoder` takes them.

    Examples
    --------
    >>> Decoder(32, filters=4, latent_size=10)(torch.zeros(2, 10)).shape
    torch.Size([2, 3, 32, 32])
    """

    def __init__(self, size: int, filters: int, latent_size: int) -> None:
        widths = _widths(size, filters)[::-1]
        side = size // 2 ** len(widths)
        layers: list[nn.Module] = [
            nn.Linear(latent_size, widths[0] * side**2),
            nn.ReLU(),
            nn.Unflatten(1, (widths[0], side, side)),
        ]
        for inputs, outputs in pairwise(widths):
            layers.append(nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, bias=False))
            layers += [nn.BatchNorm2d(outputs), nn.ReLU()]
        last = nn.ConvTranspose2d(widths[-1], 3, 4, stride=2, padding=1)
        super().__init__(*layers, last, nn.Tanh())


class Autoencoder(nn.Module):
    """Encoder and decoder of images (n, 3, size, size) in [-1, 1].

    Parameters
    ----------
    size, filters, latent_size : int
        As :class:`Encoder` takes them.
    """

    def __init__(self, size: int, filters: int, latent_size: int) -> None:
        super().__init__()
        self.encoder = Encoder(size, filters, latent_size)
        self.decoder = Decoder(size, filters, latent_size)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the reconstructions, of the shape of `images`."""
        reconstructed: torch.Tensor = self.decoder(self.encoder(images))
        return reconstructed


def _widths(size: int, filters: int) -> list[int]:
    return [filters * 2 ** min(block, 3) for block in range(halvings(size))]
