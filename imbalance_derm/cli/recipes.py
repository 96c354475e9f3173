"""``imbderm recipes``: compositions of parts under a name."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from imbalance_derm.cli.columns import columns
from imbalance_derm.cli.completion import recipe_names


@click.group()
def recipes() -> None:
    """List compositions of parts, one for each published remedy; run one with --recipe."""


@recipes.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
def list_(as_json: bool) -> None:
    """List every recipe with its source."""
    from imbalance_derm.experiment.recipes import recipes as known

    if as_json:
        click.echo(json.dumps([asdict(recipe) for recipe in known().values()], indent=2))
        return
    rows = [(recipe.name, recipe.summary, recipe.citation) for recipe in known().values()]
    columns(("NAME", "SUMMARY", "SOURCE"), rows)


@recipes.command()
@click.argument("name", metavar="NAME|FILE.toml", shell_complete=recipe_names)
@click.option("--json", "as_json", is_flag=True, help="Print a list with one object.")
def show(name: str, as_json: bool) -> None:
    """Show one recipe: its source and the sections of the specification that it sets.

    \b
    Example:
      imbderm recipes show melanet > mine.toml
    """  # noqa: D301 (click wants a backspace)
    import tomli_w

    from imbalance_derm.experiment.recipes import find_recipe

    recipe = find_recipe(name)
    if as_json:
        click.echo(json.dumps([asdict(recipe)], indent=2))
        return
    head = {"summary": recipe.summary, "citation": recipe.citation}
    click.echo(tomli_w.dumps({**head, **recipe.sections}).rstrip())
