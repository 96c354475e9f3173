"""The built-in components, one file for each kind, announced the way a plugin would."""

from __future__ import annotations

from collections.abc import Iterable

from imbalance_derm.registry.builtins import (
    backbones,
    datasets,
    heads,
    losses,
    mixers,
    optimizers,
    posthoc,
    samplers,
    stages,
    synthesizers,
    trackers,
)
from imbalance_derm.registry.component import Component
from imbalance_derm.registry.hookspecs import hookimpl

COMPONENTS: tuple[Component, ...] = (
    *datasets.COMPONENTS,
    *synthesizers.COMPONENTS,
    *samplers.COMPONENTS,
    *mixers.COMPONENTS,
    *backbones.COMPONENTS,
    *heads.COMPONENTS,
    *losses.COMPONENTS,
    *stages.COMPONENTS,
    *optimizers.COMPONENTS,
    *posthoc.COMPONENTS,
    *trackers.COMPONENTS,
)


@hookimpl
def imbderm_components() -> Iterable[Component]:
    """Announce the built-in components."""
    return COMPONENTS
