"""Plugins are collected one by one; a bad one is named and skipped."""

from __future__ import annotations

import subprocess
import sys
import types
from importlib.metadata import EntryPoint

import pytest

from imbalance_derm.errors import InputError
from imbalance_derm.registry.component import KINDS, Component
from imbalance_derm.registry.hookspecs import hookimpl
from imbalance_derm.registry.manager import build_registry, installed

TARGET = "imbalance_derm.losses.focal:Focal"


def entry_point(monkeypatch, name: str, components) -> EntryPoint:
    """An entry point whose module announces what `components` returns."""
    module = types.ModuleType(name)
    module.imbderm_components = hookimpl(components)
    components.__name__ = "imbderm_components"
    monkeypatch.setitem(sys.modules, name, module)
    return EntryPoint(name, name, "imbderm")


def named(name: str, kind: str = "loss", target: str = TARGET, api: int = 1) -> Component:
    return Component(kind, name, "A test.", target, api=api)


def test_bad_plugins_are_reported_by_name_and_hide_nothing(monkeypatch):
    def raises():
        raise RuntimeError("boom")

    points = [
        EntryPoint("a-missing", "no_such_module", "imbderm"),
        entry_point(monkeypatch, "b_raises", raises),
        entry_point(monkeypatch, "c_clash", lambda: [named("focal"), named("fresh")]),
        entry_point(monkeypatch, "d_good", lambda: [named("mine")]),
        entry_point(monkeypatch, "e_not_components", lambda: ["focal"]),
    ]
    registry = build_registry(points)
    problems = {problem.distribution: problem.reason for problem in registry.problems}
    assert set(problems) == {"a-missing", "b_raises", "c_clash", "e_not_components"}
    assert "no_such_module" in problems["a-missing"]
    assert "boom" in problems["b_raises"]
    assert "already provided by imbalance-derm" in problems["c_clash"]
    assert {"mine", "fresh", "focal"} <= set(registry.names("loss"))
    assert registry.get("loss", "focal").distribution == "imbalance-derm"
    assert registry.get("loss", "mine").distribution == "d_good"


@pytest.mark.parametrize(
    ("component", "reason"),
    [
        (named("With Space"), "lower-case"),
        (named("x", kind="los"), "did you mean 'loss'"),
        (named("x", target="a.b.c"), "module:attribute"),
        (named("x", api=2), "upgrade imbalance-derm"),
        (named("x", api=0), "upgrade that package"),
    ],
)
def test_a_faulty_announcement_is_refused_with_its_reason(monkeypatch, component, reason):
    registry = build_registry([entry_point(monkeypatch, "plugin_x", lambda: [component])])
    assert [reason in problem.reason for problem in registry.problems] == [True]
    assert len(registry.entries) == len(build_registry([]).entries)


def test_every_builtin_can_be_imported_and_is_of_a_known_kind():
    for (kind, name), entry in build_registry([]).entries.items():
        assert kind in KINDS
        assert callable(entry.load()), name


def test_unknown_component_names_the_nearest():
    with pytest.raises(InputError, match="unknown loss 'focl'; did you mean 'focal'"):
        installed().get("loss", "focl")


def test_listing_components_imports_neither_torch_nor_pydantic():
    code = (
        "import sys; from imbalance_derm.registry.manager import installed; installed();"
        "print([m for m in ('torch', 'pydantic', 'numpy', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
