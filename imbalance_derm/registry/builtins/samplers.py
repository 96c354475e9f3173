"""The built-in components of kind sampler."""

from imbalance_derm.registry.component import Component

_ROOT = "imbalance_derm"

COMPONENTS = (
    Component(
        "sampler",
        "shuffle",
        "Every row once per pass, in random order.",
        f"{_ROOT}.sampling.shuffle:Shuffle",
    ),
    Component(
        "sampler",
        "class_balanced",
        "Every class equally often.",
        f"{_ROOT}.sampling.class_balanced:ClassBalanced",
        "Kang et al. 2020, arXiv 1910.09217, eq. 1 with q = 0",
    ),
)
