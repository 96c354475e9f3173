"""The built-in components of kind tracker."""

from imbalance_derm.registry.component import Component

_ROOT = "imbalance_derm"

COMPONENTS = (
    Component(
        "tracker",
        "jsonl",
        "Every event of the run as a line of JSON.",
        f"{_ROOT}.tracking.jsonl:JsonLines",
    ),
    Component(
        "tracker",
        "tensorboard",
        "Curves and figures for TensorBoard.",
        f"{_ROOT}.tracking.tensorboard:TensorBoard",
    ),
)
