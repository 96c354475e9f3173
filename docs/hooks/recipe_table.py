"""The table of recipes: every file of ``imbalance_derm/recipes``."""

from __future__ import annotations

from typing import Any

from markdown_table import table

from imbalance_derm.experiment.recipes import read_recipe, recipes
from imbalance_derm.experiment.spec import PARTS
from imbalance_derm.registry.manager import installed


def recipe_table(folder: str = "components") -> str:
    """Return one row for each recipe, its parts linked to their pages."""
    rows = [
        (f"`{name}`", recipe.summary, _linked(read_recipe(name), folder), recipe.citation)
        for name, recipe in recipes().items()
    ]
    return table(("recipe", "what it is", "parts", "source"), rows)


def _linked(recipe: dict[str, Any], folder: str) -> str:
    return ", ".join(
        f"[`{part}`]({folder}/{kind}/{part}.md)"
        if (kind, part) in installed().entries
        else f"`{part}`"  # of a package that is not installed here
        for kind, part in parts_of(recipe)
    )


def parts_of(sections: dict[str, Any]) -> list[tuple[str, str]]:
    """Return kind and name of every part that the sections of a specification name.

    Examples
    --------
    >>> parts_of({"loss": {"name": "focal"}, "stages": ["joint"], "train": {"epochs": 2}})
    [('loss', 'focal'), ('stage', 'joint')]
    """
    found = [
        (PARTS[key], value["name"].partition("/")[0])
        for key, value in sections.items()
        if key in PARTS and "name" in value
    ]
    for key, kind in (("stages", "stage"), ("trackers", "tracker")):
        for each in sections.get(key, []):
            name = each if isinstance(each, str) else each["name"]
            found.append((kind, name.partition("/")[0]))
    return found
