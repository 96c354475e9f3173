"""Find out, on your own skin-lesion images, which remedy for class imbalance really helps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imbalance_derm.version import __version__

if TYPE_CHECKING:
    from imbalance_derm.experiment.record import Record
    from imbalance_derm.pipeline.experiment import Experiment
    from imbalance_derm.registry.component import Component
    from imbalance_derm.registry.hookspecs import hookimpl

__all__ = ["Component", "Experiment", "Record", "__version__", "hookimpl"]

# Imported on first use: `imbderm --help` must not wait for PyTorch.
_HOMES = {
    "Component": "imbalance_derm.registry.component",
    "Experiment": "imbalance_derm.pipeline.experiment",
    "Record": "imbalance_derm.experiment.record",
    "hookimpl": "imbalance_derm.registry.hookspecs",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
