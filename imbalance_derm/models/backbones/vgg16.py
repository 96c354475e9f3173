"""VGG16 with global average pooling: paper A's VGG-GAP."""

from __future__ import annotations

from imbalance_derm.models.backbones.timm import timm_backbone
from imbalance_derm.models.contract import Backbone


def vgg16(*, weights: str = "imagenet") -> Backbone:
    """Build the convolutions of VGG16; pooling is global and the two dense layers are gone.

    Parameters
    ----------
    weights : str
        ``imagenet`` for timm's (from the hub or its local cache), the path of a
        ``.safetensors`` or PyTorch file in timm's or torchvision's naming, or ``random``.

    Returns
    -------
    Backbone
        With 512 features.

    Raises
    ------
    InputError
        The weights cannot be had or do not fit.

    References
    ----------
    Zunair and Ben Hamza 2020, arXiv 2004.06824, section 2.3 (VGG-GAP);
    Simonyan and Zisserman 2015, arXiv 1409.1556, configuration D.

    Examples
    --------
    >>> vgg16(weights="random").features
    512
    """
    return timm_backbone(model="vgg16", weights=weights)
