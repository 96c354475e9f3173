"""``imbderm plugins new``: the package of a new part."""

from __future__ import annotations

from pathlib import Path

import click

from imbalance_derm.cli.options import verbosity_options
from imbalance_derm.cli.verbosity import is_quiet
from imbalance_derm.registry.component import KINDS


@click.command()
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("name")
@verbosity_options
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Where the folder is made; here by default.",
)
def new(kind: str, name: str, out: Path) -> None:
    """Write the folder imbderm-NAME: a package with a part that works, and its tests.

    \b
    Example:
      imbderm plugins new loss my-loss
    """  # noqa: D301 (click wants a backspace)
    from imbalance_derm.testing.scaffold import scaffold

    folder = scaffold(kind, name, out)
    if is_quiet():
        click.echo(folder.resolve())
        return
    click.echo(f"Written: {folder}")
    click.echo(f"Next:    pip install -e {folder}")
    click.echo(f"         imbderm plugins check {kind} {name}")
