"""The built-in components of kind optimizer."""

from imbalance_derm.registry.component import Component

_ROOT = "imbalance_derm"

COMPONENTS = (
    Component(
        "optimizer",
        "torch",
        "Any optimiser of PyTorch, by its name.",
        f"{_ROOT}.optimizers.named:named",
        shorthand="algorithm",
    ),
    Component(
        "optimizer",
        "sam",
        "Sharpness-aware minimisation around any optimiser of PyTorch.",
        f"{_ROOT}.optimizers.sam:SharpnessAware",
        "Foret et al. 2021, arXiv 2010.01412, eq. 2",
        shorthand="algorithm",
    ),
)
