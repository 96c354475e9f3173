"""The built-in components of kind mixer."""

from imbalance_derm.registry.component import Component

_ROOT = "imbalance_derm"

COMPONENTS = (
    Component("mixer", "none", "Batches as they are.", f"{_ROOT}.sampling.mixers.none:NoMixing"),
    Component(
        "mixer",
        "mixup",
        "Images and labels interpolated alike.",
        f"{_ROOT}.sampling.mixers.mixup:Mixup",
        "Zhang et al. 2018, arXiv 1710.09412, section 2",
    ),
    Component(
        "mixer",
        "cutmix",
        "A rectangle of another image pasted in.",
        f"{_ROOT}.sampling.mixers.cutmix:CutMix",
        "Yun et al. 2019, arXiv 1905.04899, eqs. 1 and 2",
    ),
    Component(
        "mixer",
        "remix",
        "Mixup whose labels lean towards the rarer class.",
        f"{_ROOT}.sampling.mixers.remix:Remix",
        "Chou et al. 2020, arXiv 2007.03943",
    ),
)
