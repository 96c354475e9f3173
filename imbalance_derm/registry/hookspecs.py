"""The hooks that a plugin package implements. This file is the whole plugin contract."""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from imbalance_derm.registry.component import Component

PROJECT = "imbderm"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def imbderm_components() -> Iterable[Component]:  # type: ignore[empty-body]
    """Announce the components of this package; import nothing heavy here."""
