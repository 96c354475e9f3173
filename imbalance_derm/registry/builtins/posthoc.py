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
)
