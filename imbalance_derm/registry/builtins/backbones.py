"""The built-in components of kind backbone."""

from imbalance_derm.registry.component import Component

_ROOT = "imbalance_derm"
_MELANET = "Zunair and Ben Hamza 2020, Phys. Med. Biol., arXiv 2004.06824"

COMPONENTS = (
    Component(
        "backbone",
        "efficientnet_lite0",
        "EfficientNet-Lite0 with ImageNet weights that come with the installation.",
        f"{_ROOT}.models.backbones.efficientnet_lite0:efficientnet_lite0",
        "Tan and Le 2019, arXiv 1905.11946",
    ),
    Component(
        "backbone",
        "timm",
        "Any timm model: timm/MODEL.",
        f"{_ROOT}.models.backbones.timm:timm_backbone",
        "Wightman 2019, doi 10.5281/zenodo.4414861",
        shorthand="model",
    ),
    Component(
        "backbone",
        "vgg16",
        "VGG16 with global average pooling (VGG-GAP).",
        f"{_ROOT}.models.backbones.vgg16:vgg16",
        _MELANET,
    ),
)
