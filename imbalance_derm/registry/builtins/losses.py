"""The built-in components of kind loss."""

from imbalance_derm.registry.component import Component

_ROOT = "imbalance_derm"

COMPONENTS = (
    Component("loss", "ce", "Cross-entropy.", f"{_ROOT}.losses.cross_entropy:CrossEntropy"),
    Component(
        "loss",
        "weighted_ce",
        "Cross-entropy, each class weighted by inverse frequency.",
        f"{_ROOT}.losses.cross_entropy:WeightedCrossEntropy",
        "King and Zeng 2001, Political Analysis 9:137",
        shorthand="weighting",
    ),
    Component(
        "loss",
        "focal",
        "Focal loss: easy examples count less.",
        f"{_ROOT}.losses.focal:Focal",
        "Lin et al. 2017, arXiv 1708.02002, eq. 5",
    ),
    Component(
        "loss",
        "logit_adjustment",
        "Cross-entropy on logits shifted by the class prior.",
        f"{_ROOT}.losses.logit_adjustment:LogitAdjustment",
        "Menon et al. 2021, arXiv 2007.07314, eq. 10",
    ),
)
