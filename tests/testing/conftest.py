"""Parts that are no registered components, as the kit sees them."""

from __future__ import annotations

import importlib
import sys

import pytest

from imbalance_derm.registry.component import Component
from imbalance_derm.testing.build import Build
from imbalance_derm.testing.scaffold import class_name, scaffold


@pytest.fixture
def scaffolded(tmp_path, monkeypatch):
    """Make ``imbderm-NAME`` of a kind and build its part, without installing it."""

    def make(kind: str, name: str) -> Build:
        folder = scaffold(kind, name, tmp_path)
        monkeypatch.syspath_prepend(str(folder))
        package = f"imbderm_{name.replace('-', '_')}"
        (component,) = importlib.import_module(package).imbderm_components()
        module, _, attribute = component.target.partition(":")
        assert attribute == class_name(kind, name)
        return Build(component, getattr(importlib.import_module(module), attribute))

    before = set(sys.modules)
    yield make
    for module in set(sys.modules) - before:
        if module.startswith("imbderm_"):
            del sys.modules[module]


@pytest.fixture
def build():
    """Build a class as a part: ``build(kind, target, name="faulty", summary="A test.")``."""

    def make(kind, target, name="faulty", summary="A test.", api=1) -> Build:
        where = f"{target.__module__}:{target.__qualname__}"
        return Build(Component(kind, name, summary, where, api=api), target)

    return make
