"""Any timm model as a backbone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import nn

from imbalance_derm.errors import InputError
from imbalance_derm.models.backbones.weights import ADVICE, load_matching, read_state
from imbalance_derm.models.contract import Backbone
from imbalance_derm.registry.manager import suggest

CLASSIFIERS = ("classifier.", "fc.", "head.", "pre_logits.")
"""Prefixes of what a file may hold beyond the backbone."""


class FeatureMaps(nn.Module):
    """The part of a timm model before pooling, as channels-first maps (n, d, h', w')."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return feature maps (n, d, h', w') of normalised images (n, 3, h, w)."""
        maps = self.model.forward_features(images)  # type: ignore[operator]
        if maps.ndim == 3:  # tokens of a transformer: prefix tokens first, then a square grid
            tokens = maps[:, getattr(self.model, "num_prefix_tokens", 0) :]
            side = int(tokens.shape[1] ** 0.5)
            return tokens.transpose(1, 2).reshape(len(tokens), -1, side, side)
        if maps.shape[1] != self.model.num_features:  # Swin and its kin are channels-last
            return maps.permute(0, 3, 1, 2)
        return maps


def build_model(name: str, **options: Any) -> nn.Module:
    """Build the timm model `name` without classifier and without weights.

    Raises
    ------
    InputError
        timm has no such model; the nearest one is named.
    """
    import timm

    try:
        model = timm.create_model(name, num_classes=0, **options)
    except RuntimeError as error:
        if timm.is_model(name.partition(".")[0].partition(":")[-1]) or timm.is_model(name):
            raise InputError(f"timm cannot build '{name}': {error}") from error
        hint = suggest(name, timm.list_models())[:200]
        raise InputError(f"timm has no model '{name}'{hint}") from error
    if hasattr(model, "pre_logits"):  # VGG's dense layers: 119 million parameters behind the maps
        model.pre_logits = nn.Identity()
    return model


def timm_backbone(
    *,
    model: str = "resnet18",
    weights: str = "imagenet",
    drop_path: Annotated[float, Field(ge=0, lt=1)] = 0.0,
) -> Backbone:
    """Build any timm model, with the normalisation that its own configuration states.

    Parameters
    ----------
    model : str
        Name as timm knows it, such as ``resnet50`` or ``convnext_tiny.fb_in22k``.
    weights : str
        ``imagenet`` for timm's own pre-trained weights (from the hub or its local cache), the
        path of a ``.safetensors`` or PyTorch file, or ``random``.
    drop_path : float
        Stochastic depth; 0 where the model has none.

    Returns
    -------
    Backbone

    Raises
    ------
    InputError
        Unknown model, or weights that cannot be had. A random start happens on request only.

    References
    ----------
    Wightman 2019, "PyTorch Image Models", doi 10.5281/zenodo.4414861.

    Examples
    --------
    >>> timm_backbone(model="resnet10t", weights="random").features
    512
    """
    options = {"drop_path_rate": drop_path} if drop_path else {}
    if weights == "imagenet":
        try:
            network = build_model(model, pretrained=True, **options)
        except InputError:
            raise
        except Exception as error:
            raise InputError(
                f"ImageNet weights of timm/{model} cannot be had: {type(error).__name__}; {ADVICE}"
            ) from error
    else:
        network = build_model(model, **options)
        if weights != "random":
            load_matching(network, read_state(Path(weights)), weights, CLASSIFIERS)
    facts: Any = network.pretrained_cfg
    features = int(network.num_features)  # type: ignore[arg-type]
    return Backbone(FeatureMaps(network), features, facts["mean"], facts["std"], weights)
