"""What builds the site does what its examples say, and quotes nothing that is not there."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

HOOKS = Path(__file__).resolve().parents[2] / "docs" / "hooks"


@pytest.fixture
def hook(monkeypatch):
    monkeypatch.syspath_prepend(str(HOOKS))
    return importlib.import_module


@pytest.mark.parametrize(
    "name", ["quoted", "markdown_table", "recipe_table", "measured", "component_pages"]
)
def test_examples(hook, name):
    found = doctest.testmod(hook(name))
    assert found.attempted > 0
    assert found.failed == 0


@pytest.mark.parametrize(
    "macro",
    [
        "figure body_site_ham10000.json /paired/clean/none",
        "figure body_site_ham10000.json /seeds/17",
        "no_such_macro",
    ],
)
def test_what_is_not_there_stops_the_build(hook, macro):
    with pytest.raises(KeyError):
        hook("quoted").fill(f"text {{{{ {macro} }}}} text")


def test_a_missing_file_stops_the_build(hook):
    with pytest.raises(FileNotFoundError):
        hook("quoted").fill("{{ figure nothing.json /a }}")


def test_a_part_knows_the_results_that_used_it(hook):
    measured = hook("measured").measured()
    assert "zoo_ham10000_frozen.json" in {m.file for m in measured["stage", "deferred_reweighting"]}
    assert {m.entry for m in measured["synthesizer", "deepsmote"]} == {"deepsmote"}
    assert all(m.sentences for m in measured["synthesizer", "adasyn"])
