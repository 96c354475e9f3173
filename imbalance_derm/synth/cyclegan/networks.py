"""The networks of a CycleGAN: U-Net and ResNet generators, PatchGAN discriminator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

from imbalance_derm.errors import InputError

Generator = Literal["unet", "resnet"]
SLOPE = 0.2


class UpsampleConv(nn.Module):
    """Nearest-neighbour upsampling by two, then a 4x4 convolution with "same" padding.

    Both are linear, so they are run as one transposed convolution with the composed 5x5
    kernel: the same numbers from 25 products per 2x2 output pixels instead of 64.

    Parameters
    ----------
    inputs, outputs : int
        Channels.

    Examples
    --------
    >>> UpsampleConv(8, 4)(torch.zeros(1, 8, 5, 5)).shape
    torch.Size([1, 4, 10, 10])
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs, 4, 4))
        self.bias = nn.Parameter(torch.zeros(outputs))
        nn.init.kaiming_uniform_(self.weight, a=5**0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (n, inputs, h, w) to (n, outputs, 2h, 2w)."""
        kernel = self.weight.flip(2, 3)
        kernel = F.pad(kernel, (0, 1, 0, 0)) + F.pad(kernel, (1, 0, 0, 0))
        kernel = F.pad(kernel, (0, 0, 0, 1)) + F.pad(kernel, (0, 0, 1, 0))
        return F.conv_transpose2d(
            x, kernel.transpose(0, 1), self.bias, stride=2, padding=2, output_padding=1
        )


class UNetGenerator(nn.Module):
    """U-Net generator of paper A: strided 4x4 convolutions down, skips, upsampling up.

    Parameters
    ----------
    filters : int
        Channels after the first block; they double up to eight times that.
    blocks : int
        Blocks down, and as many up.

    Examples
    --------
    >>> UNetGenerator(8, 3)(torch.zeros(1, 3, 32, 32)).shape
    torch.Size([1, 3, 32, 32])
    """

    def __init__(self, filters: int, blocks: int) -> None:
        super().__init__()
        widths = [filters * 2 ** min(block, 3) for block in range(blocks)]
        self.down = nn.ModuleList(
            nn.Conv2d(inputs, outputs, 4, stride=2, padding=1)
            for inputs, outputs in zip([3, *widths], widths, strict=False)
        )
        skips = widths[-2::-1]
        # What comes up is concatenated with its skip, hence twice the width.
        entering = [widths[-1], *(2 * width for width in skips)]
        self.up = nn.ModuleList(
            UpsampleConv(inputs, outputs) for inputs, outputs in zip(entering, skips, strict=False)
        )
        self.last = UpsampleConv(entering[-1], 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (n, 3, size, size) in [-1, 1] to images of the same kind."""
        skips = []
        for place, down in enumerate(self.down):
            x = F.leaky_relu(down(x), SLOPE)
            # The first block stays as it is: normalised, it would lose the colour of the image.
            x = F.instance_norm(x) if place else x
            skips.append(x)
        for up, skip in zip(self.up, skips[-2::-1], strict=True):
            x = torch.cat([F.instance_norm(F.relu(up(x))), skip], dim=1)
        return torch.tanh(self.last(x))


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with reflection padding and a shortcut around them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, padding_mode="reflect"),
            nn.InstanceNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, padding_mode="reflect"),
            nn.InstanceNorm2d(width),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (n, width, h, w) to the same shape."""
        return x + self.body(x)


class ResNetGenerator(nn.Sequential):
    """ResNet generator of Zhu et al. 2017, appendix 7.2: c7s1, two strided, residual, two up.

    Parameters
    ----------
    filters : int
        Channels after the first convolution; four times that in the residual blocks.
    blocks : int
        Residual blocks: 6 up to 128 px and 9 above, in their paper.

    Examples
    --------
    >>> ResNetGenerator(8, 2)(torch.zeros(1, 3, 32, 32)).shape
    torch.Size([1, 3, 32, 32])
    """

    def __init__(self, filters: int, blocks: int) -> None:
        def normed(convolution: nn.Module, width: int) -> list[nn.Module]:
            return [convolution, nn.InstanceNorm2d(width), nn.ReLU()]

        w1, w2, w4 = filters, 2 * filters, 4 * filters

        def up(inputs: int, outputs: int) -> nn.Module:
            return nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=1)

        super().__init__(
            *normed(nn.Conv2d(3, w1, 7, padding=3, padding_mode="reflect"), w1),
            *normed(nn.Conv2d(w1, w2, 3, stride=2, padding=1), w2),
            *normed(nn.Conv2d(w2, w4, 3, stride=2, padding=1), w4),
            *(ResidualBlock(w4) for _ in range(blocks)),
            *normed(up(w4, w2), w2),
            *normed(up(w2, w1), w1),
            nn.Conv2d(w1, 3, 7, padding=3, padding_mode="reflect"),
            nn.Tanh(),
        )


class Residual(nn.Module):
    """A generator that adds to its input: before any training it returns the image itself.

    Parameters
    ----------
    network : Module
        Its output, in [-1, 1], is added to its input; the sum is clamped to [-1, 1].

    Examples
    --------
    >>> Residual(nn.Identity())(torch.tensor([0.25, 0.75]))
    tensor([0.5000, 1.0000])
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (n, 3, size, size) in [-1, 1] to images of the same kind."""
        return (x + self.network(x)).clamp(-1, 1)


class PatchDiscriminator(nn.Sequential):
    """PatchGAN: strided 4x4 convolutions, then one score for each patch.

    Parameters
    ----------
    filters : int
        Channels after the first block; they double up to eight times that.
    blocks : int
        Strided blocks; there is no normalisation in the first.

    Examples
    --------
    >>> PatchDiscriminator(8, 4)(torch.zeros(1, 3, 64, 64)).shape
    torch.Size([1, 1, 4, 4])
    """

    def __init__(self, filters: int, blocks: int) -> None:
        layers: list[nn.Module] = []
        inputs = 3
        for block in range(blocks):
            width = filters * 2 ** min(block, 3)
            layers += [nn.Conv2d(inputs, width, 4, stride=2, padding=1), nn.LeakyReLU(SLOPE)]
            if block > 0:
                layers.append(nn.InstanceNorm2d(width))
            inputs = width
        # An even kernel that keeps the size needs one pixel more on the far sides.
        super().__init__(*layers, nn.ZeroPad2d((1, 2, 1, 2)), nn.Conv2d(inputs, 1, 4))


def build_generator(
    kind: Generator, filters: int, blocks: int, size: int, residual: bool = False
) -> nn.Module:
    """Return a generator for square images of `size` pixels.

    Parameters
    ----------
    kind : {"unet", "resnet"}
    filters, blocks : int
        As :class:`UNetGenerator` and :class:`ResNetGenerator` take them.
    size : int
        Side of the images.
    residual : bool
        Whether the network makes what is added to the image, see :class:`Residual`.

    Raises
    ------
    InputError
        The images are too small for so many blocks, or do not divide by their strides.
    """
    if kind == "unet":
        _check_size("synth.blocks", blocks, size)
    elif size % 4 or size < 8:
        raise InputError(
            f"the ResNet generator takes images of a multiple of 4 px, at least 8, not {size}; "
            "change data.image_size"
        )
    network = _GENERATORS[kind](filters, blocks)
    return Residual(network) if residual else network


def build_discriminator(filters: int, blocks: int, size: int) -> nn.Module:
    """Return a discriminator for square images of `size` pixels.

    Raises
    ------
    InputError
        The images are too small for so many blocks, or do not divide by their strides.
    """
    _check_size("synth.discriminator_blocks", blocks, size)
    return PatchDiscriminator(filters, blocks)


def initialise(network: nn.Module, generator: torch.Generator) -> None:
    """Draw every weight from N(0, 0.02) and zero every bias (Zhu et al. 2017, appendix 7.1).

    The numbers depend on `generator`, a CPU generator, and not on the network's device.
    """
    with torch.no_grad():
        for parameter in network.parameters():
            fresh = torch.zeros(parameter.shape)
            if parameter.ndim > 1:
                fresh.normal_(0.0, 0.02, generator=generator)
            parameter.copy_(fresh)


def _check_size(setting: str, blocks: int, size: int) -> None:
    # Instance norm needs more than one pixel after the last stride.
    if size % 2**blocks or size < 2 ** (blocks + 1):
        fits = max((b for b in range(1, 8) if size % 2**b == 0 and size >= 2 ** (b + 1)), default=0)
        remedy = f"--set {setting}={fits}" if fits else "another data.image_size"
        raise InputError(
            f"{blocks} strided blocks need images of a multiple of {2**blocks} px, at least "
            f"{2 ** (blocks + 1)}, not {size}; use {remedy}"
        )


_GENERATORS: dict[Generator, Callable[[int, int], nn.Module]] = {
    "unet": UNetGenerator,
    "resnet": ResNetGenerator,
}
