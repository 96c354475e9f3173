"""The built-in components of kind stage."""

from imbalance_derm.registry.component import Component

_ROOT = "imbalance_derm"

COMPONENTS = (
    Component(
        "stage",
        "joint",
        "Everything is trained, with the parts of the run.",
        f"{_ROOT}.schedule.joint:Joint",
    ),
)
