"""The PatchGAN discriminator of a CycleGAN, with spectral normalisation where asked for."""

from __future__ import annotations

from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from imbalance_derm.synth.cyclegan.networks import SLOPE, check_size


class PatchDiscriminator(nn.Sequential):
    """PatchGAN: strided 4x4 convolutions, then one score for each patch.

    Parameters
    ----------
    filters : int
        Channels after the first block; they double up to eight times that.
    blocks : int
        Strided blocks; there is no normalisation in the first.
    scores : int
        Scores for each patch.

    Examples
    --------
    >>> import torch
    >>> PatchDiscriminator(8, 4)(torch.zeros(1, 3, 64, 64)).shape
    torch.Size([1, 1, 4, 4])
    """

    def __init__(self, filters: int, blocks: int, scores: int = 1) -> None:
        layers: list[nn.Module] = []
        inputs = 3
        for block in range(blocks):
            width = filters * 2 ** min(block, 3)
            layers += [nn.Conv2d(inputs, width, 4, stride=2, padding=1), nn.LeakyReLU(SLOPE)]
            if block > 0:
                layers.append(nn.InstanceNorm2d(width))
            inputs = width
        # An even kernel that keeps the size needs one pixel more on the far sides.
        super().__init__(*layers, nn.ZeroPad2d((1, 2, 1, 2)), nn.Conv2d(inputs, scores, 4))


def build_discriminator(
    filters: int, blocks: int, size: int, spectral: bool = False, scores: int = 1
) -> nn.Module:
    """Return a discriminator for square images of `size` pixels.

    Parameters
    ----------
    filters, blocks, scores : int
        As :class:`PatchDiscriminator` takes them.
    size : int
        Side of the images.
    spectral : bool
        Whether every convolution's weight is divided by its largest singular value (Miyato et
        al. 2018, arXiv 1802.05957, eq. 8), found by one power iteration a pass.

    Raises
    ------
    InputError
        The images are too small for so many blocks, or do not divide by their strides.

    Examples
    --------
    >>> import torch
    >>> build_discriminator(8, 4, 64, spectral=True, scores=7)(torch.zeros(1, 3, 64, 64)).shape
    torch.Size([1, 7, 4, 4])
    """
    check_size("synth.discriminator_blocks", blocks, size)
    network = PatchDiscriminator(filters, blocks, scores)
    if spectral:
        for layer in network:
            if isinstance(layer, nn.Conv2d):
                spectral_norm(layer)
    return network
