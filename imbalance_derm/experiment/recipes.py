"""Recipes: compositions of parts under a name, one TOML file each."""

from __future__ import annotations

import tomllib
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from imbalance_derm.errors import InputError
from imbalance_derm.registry.manager import suggest


@dataclass(frozen=True)
class Recipe:
    """A named composition.

    Attributes
    ----------
    name, summary, citation : str
    sections : dict
        As in a run's specification; a part may be given by its name alone.
    """

    name: str
    summary: str
    citation: str
    sections: dict[str, Any]


@cache
def recipes() -> dict[str, Recipe]:
    """Return the recipes of the package by name; each is a file in ``imbalance_derm/recipes``.

    Examples
    --------
    >>> recipes()["melanet"].sections["loss"]
    'focal'
    """
    folder = files("imbalance_derm") / "recipes"
    found = [file for file in folder.iterdir() if file.name.endswith(".toml")]
    return {
        recipe.name: recipe
        for file in sorted(found, key=lambda file: file.name)
        for recipe in [_parse(file.name.removesuffix(".toml"), file.read_text(encoding="utf-8"))]
    }


def find_recipe(name: str) -> Recipe:
    """Return a recipe of the package by name, or the one in a file that ends in ``.toml``.

    Raises
    ------
    InputError
        There is no such recipe (the nearest is named), or the file is not a recipe.
    """
    if not name.endswith(".toml"):
        if name not in recipes():
            raise InputError(
                f"unknown recipe '{name}'{suggest(name, recipes())}; see: imbderm recipes list"
            )
        return recipes()[name]
    path = Path(name)
    try:
        return _parse(path.stem, path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read recipe {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"recipe {path} is not valid TOML: {error}") from error


def read_recipe(name: str) -> dict[str, Any]:
    """Return the sections of a recipe, parts in long form."""
    sections = deepcopy(find_recipe(name).sections)  # the recipe itself is kept
    return {k: {"name": v} if isinstance(v, str) else v for k, v in sections.items()}


def _parse(name: str, text: str) -> Recipe:
    tree = tomllib.loads(text)
    summary, citation = tree.pop("summary", ""), tree.pop("citation", "")
    for key in ("preset", "recipe", "seed"):
        if key in tree:
            raise InputError(f"recipe '{name}' sets '{key}', which is for the run to say")
    return Recipe(name, summary, citation, tree)
