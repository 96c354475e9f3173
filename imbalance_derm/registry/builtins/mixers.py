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
    Component(
        "mixer",
        "mamix",
        "Mixup whose labels leave rarer classes a larger margin.",
        f"{_ROOT}.sampling.mixers.mamix:MAMix",
        "Cheng, Mai and Lin 2023, arXiv 2308.15457",
    ),
    Component(
        "mixer",
        "balanced_mixup",
        "Rows mixed with a little of a class-balanced batch.",
        f"{_ROOT}.sampling.mixers.balanced_mixup:BalancedMixup",
        "Galdran et al. 2021, arXiv 2109.09850",
    ),
    Component(
        "mixer",
        "rsg",
        "Rare-class features made from the spread of frequent classes.",
        f"{_ROOT}.sampling.mixers.rsg.generator:RareSampleGenerator",
        "Wang et al. 2021, arXiv 2106.09859",
    ),
)
