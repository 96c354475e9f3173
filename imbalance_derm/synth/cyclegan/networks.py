"""What generators and discriminators share: which sizes fit them, and how their weights start."""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrize

from imbalance_derm.errors import InputError

SLOPE = 0.2
"""Of every leaky ReLU."""

_POWER_ITERATIONS = 15


def initialise(network: nn.Module, generator: torch.Generator) -> None:
    """Draw every weight from N(0, 0.02) and zero every bias (Zhu et al. 2017, appendix 7.1).

    The numbers depend on `generator`, a CPU generator, and not on the network's device. Where
    weights are normalised by their largest singular value, the search for it starts afresh too.
    """
    with torch.no_grad():
        for parameter in network.parameters():
            fresh = torch.zeros(parameter.shape)
            if parameter.ndim > 1:
                fresh.normal_(0.0, 0.02, generator=generator)
            parameter.copy_(fresh)
        for module in network.modules():
            if parametrize.is_parametrized(module, "weight"):
                _restart_power_iteration(cast(nn.ModuleDict, module.parametrizations), generator)


def _restart_power_iteration(parametrizations: nn.ModuleDict, generator: torch.Generator) -> None:
    # Its two vectors were found for the weights of the constructor, from draws of no seed.
    weight = parametrizations["weight"]
    for vector in weight.buffers():
        start = torch.randn(vector.shape, generator=generator)
        vector.copy_(F.normalize(start, dim=0))
    for _ in range(_POWER_ITERATIONS):
        weight()


def check_size(setting: str, blocks: int, size: int) -> None:
    """Refuse images of `size` pixels that do not fit so many strided blocks.

    Parameters
    ----------
    setting : str
        What sets `blocks`, for the message.

    Raises
    ------
    InputError
        The images are too small, or do not divide by the strides.
    """
    # Instance norm needs more than one pixel after the last stride.
    if size % 2**blocks or size < 2 ** (blocks + 1):
        fits = max((b for b in range(1, 8) if size % 2**b == 0 and size >= 2 ** (b + 1)), default=0)
        remedy = f"--set {setting}={fits}" if fits else "another data.image_size"
        raise InputError(
            f"{blocks} strided blocks need images of a multiple of {2**blocks} px, at least "
            f"{2 ** (blocks + 1)}, not {size}; use {remedy}"
        )
