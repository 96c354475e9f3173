"""The built-in components of kind posthoc."""

from imbalance_derm.registry.component import Component

_ROOT = "imbalance_derm"

COMPONENTS = (
    Component(
        "posthoc",
        "none",
        "Logits as they are.",
        f"{_ROOT}.posthoc.none:NoPosthoc",
    ),
    Component(
        "posthoc",
        "logit_adjustment",
        "Logits without the log prior of what was fed.",
        f"{_ROOT}.posthoc.logit_adjustment:PosthocLogitAdjustment",
        "Menon et al. 2021, arXiv 2007.07314, eq. 9",
    ),
    Component(
        "posthoc",
        "tau_norm",
        "Logits of class weights with their norms evened out.",
        f"{_ROOT}.posthoc.tau_norm:TauNorm",
        "Kang et al. 2020, arXiv 1910.09217, section 4",
    ),
    Component(
        "posthoc",
        "temperature",
        "All logits divided by one temperature.",
        f"{_ROOT}.posthoc.temperature:Temperature",
        "Guo et al. 2017, arXiv 1706.04599, section 4.2",
    ),
    Component(
        "posthoc",
        "platt",
        "A sigmoid on the log-odds of each class.",
        f"{_ROOT}.posthoc.platt:Platt",
        "Platt 1999, Advances in Large Margin Classifiers 61; "
        "more than two classes: Zadrozny and Elkan 2002, KDD 694",
    ),
    Component(
        "posthoc",
        "isotonic",
        "A rising step function of the log-odds of each class.",
        f"{_ROOT}.posthoc.isotonic:Isotonic",
        "Zadrozny and Elkan 2002, KDD 694",
    ),
    Component(
        "posthoc",
        "vector_scaling",
        "Logits scaled and shifted class by class.",
        f"{_ROOT}.posthoc.vector_scaling:VectorScaling",
        "Guo et al. 2017, arXiv 1706.04599, section 4.2",
    ),
)
