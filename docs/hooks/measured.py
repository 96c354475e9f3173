"""Which of the committed results used a part: read from the commands that they name."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from quoted import RESULTS, load
from recipe_table import parts_of

from imbalance_derm.experiment.recipes import read_recipe, recipes
from imbalance_derm.experiment.settings import merge, parse_setting
from imbalance_derm.experiment.spec import PARTS


@dataclass(frozen=True)
class Measured:
    """One entry of a results file, and what it says in words."""

    file: str
    entry: str
    sentences: tuple[str, ...]


@cache
def measured() -> dict[tuple[str, str], list[Measured]]:
    """Return the entries of all results files by kind and name of the parts they used."""
    found: dict[tuple[str, str], list[Measured]] = {}
    for path in sorted(RESULTS.glob("*.json")):
        for entry, command, node in _commands(load(path.name), path.stem):
            for part in dict.fromkeys(parts_of(sections(command))):
                known = Measured(path.name, entry, tuple(_sentences(node)))
                found.setdefault(part, []).append(known)
    return found


def sections(command: str) -> dict[str, Any]:
    """Return the sections that a command line sets.

    Examples
    --------
    >>> sections("imbderm run --loss focal --set loss.gamma=1")
    {'loss': {'name': 'focal', 'gamma': 1}}
    """
    tree: dict[str, Any] = {}
    words = iter(shlex.split(command))
    for word in words:
        section = word.removeprefix("--")
        if word == "--set":
            tree = merge(tree, parse_setting(next(words)))
        elif word == "--recipe":
            recipe = next(words)
            tree = merge(read_recipe(recipe) if recipe in recipes() else {}, tree)
        elif word.startswith("--") and section in PARTS:
            tree = merge(tree, {section: {"name": next(words)}})
    return tree


def _commands(node: Any, entry: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    if not isinstance(node, dict):
        return
    command = node.get("command", "")
    if command.startswith("imbderm "):
        yield entry, command, node
    for key, value in node.items():
        yield from _commands(value, key)


def _sentences(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "sentence":
                yield value
            else:
                yield from _sentences(value)
