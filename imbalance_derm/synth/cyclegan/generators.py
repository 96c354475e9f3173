"""The generators of a CycleGAN: paper A's U-Net and the ResNet of Zhu et al. 2017."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

from imbalance_derm.errors import InputError
from imbalance_derm.synth.cyclegan.networks import SLOPE, check_size

GeneratorName = Literal["unet", "resnet"]


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
    planes : int
        Channels that come behind the three of the image, such as a label's.

    Examples
    --------
    >>> UNetGenerator(8, 3)(torch.zeros(1, 3, 32, 32)).shape
    torch.Size([1, 3, 32, 32])
    """

    def __init__(self, filters: int, blocks: int, planes: int = 0) -> None:
        super().__init__()
        widths = [filters * 2 ** min(block, 3) for block in range(blocks)]
        self.down = nn.ModuleList(
            nn.Conv2d(inputs, outputs, 4, stride=2, padding=1)
            for inputs, outputs in zip([3 + planes, *widths], widths, strict=False)
        )
        skips = widths[-2::-1]
        # What comes up is concatenated with its skip, hence twice the width.
        entering = [widths[-1], *(2 * width for width in skips)]
        self.up = nn.ModuleList(
            UpsampleConv(inputs, outputs) for inputs, outputs in zip(entering, skips, strict=False)
        )
        self.last = UpsampleConv(entering[-1], 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (n, 3 + planes, size, size) in [-1, 1] to images (n, 3, size, size)."""
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
    planes : int
        Channels that come behind the three of the image, such as a label's. With any, the
        first convolution is not normalised: a constant plane adds a constant to every channel,
        which instance norm would take away again.

    Examples
    --------
    >>> ResNetGenerator(8, 2)(torch.zeros(1, 3, 32, 32)).shape
    torch.Size([1, 3, 32, 32])
    """

    def __init__(self, filters: int, blocks: int, planes: int = 0) -> None:
        def normed(convolution: nn.Module, width: int) -> list[nn.Module]:
            return [convolution, nn.InstanceNorm2d(width), nn.ReLU()]

        w1, w2, w4 = filters, 2 * filters, 4 * filters

        def up(inputs: int, outputs: int) -> nn.Module:
            return nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=1)

        first = normed(nn.Conv2d(3 + planes, w1, 7, padding=3, padding_mode="reflect"), w1)
        super().__init__(
            *(layer for layer in first if not (planes and isinstance(layer, nn.InstanceNorm2d))),
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
    >>> Residual(nn.Identity())(torch.tensor([[0.25, 0.75, -0.5]]))
    tensor([[ 0.5000,  1.0000, -1.0000]])
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (n, 3 + planes, size, size) in [-1, 1] to images (n, 3, size, size)."""
        return (x[:, :3] + self.network(x)).clamp(-1, 1)


def build_generator(
    kind: GeneratorName,
    filters: int,
    blocks: int,
    size: int,
    residual: bool = False,
    planes: int = 0,
) -> nn.Module:
    """Return a generator for square images of `size` pixels.

    Parameters
    ----------
    kind : {"unet", "resnet"}
    filters, blocks, planes : int
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
        check_size("synth.blocks", blocks, size)
    elif size % 4 or size < 8:
        raise InputError(
            f"the ResNet generator takes images of a multiple of 4 px, at least 8, not {size}; "
            "change data.image_size"
        )
    network = _GENERATORS[kind](filters, blocks, planes)
    return Residual(network) if residual else network


_GENERATORS: dict[GeneratorName, Callable[[int, int, int], nn.Module]] = {
    "unet": UNetGenerator,
    "resnet": ResNetGenerator,
}
