"""``imbderm plugins``: which parts there are, and what can be set on them."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from imbalance_derm.cli.columns import columns
from imbalance_derm.cli.completion import components
from imbalance_derm.cli.options import verbosity_options
from imbalance_derm.cli.plugins_check import check
from imbalance_derm.cli.plugins_doctor import doctor, source_file
from imbalance_derm.cli.plugins_new import new
from imbalance_derm.cli.verbosity import Verbosity, is_quiet, verbosity
from imbalance_derm.registry.component import KINDS

if TYPE_CHECKING:
    from imbalance_derm.registry.manager import Registered


@click.group()
def plugins() -> None:
    """List, check and begin the parts that runs are composed of, built in and installed."""


for _command in (check, doctor, new):
    plugins.add_command(_command)


@plugins.command("list")
@click.option("--kind", type=click.Choice(KINDS), help="Only parts of this kind.")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
@verbosity_options
def list_(kind: str | None, as_json: bool) -> None:
    """List every part with its package, and every plugin that had to be skipped.

    With --verbose also the module and class that each is in. Nothing of a part is imported: to
    import them all, imbderm plugins doctor.
    """
    from imbalance_derm.registry.manager import installed

    registry = installed()
    entries = sorted(
        (entry for (k, _), entry in registry.entries.items() if kind in (None, k)),
        key=lambda entry: (KINDS.index(entry.component.kind), entry.component.name),
    )
    if as_json:
        rows = [
            {
                **asdict(entry.component),
                "distribution": entry.distribution,
                "version": entry.version,
            }
            for entry in entries
        ]
        click.echo(json.dumps(rows, indent=2))
    else:
        verbose = verbosity() is Verbosity.VERBOSE
        heads = ("KIND", "NAME", "FROM", *(("SOURCE",) if verbose else ()), "SUMMARY")
        columns(heads, [_row(entry, verbose) for entry in entries])
    if not is_quiet():
        for problem in registry.problems:
            click.echo(f"Warning: skipped from {problem.distribution}: {problem.reason}", err=True)


def _row(entry: Registered, verbose: bool) -> tuple[str, ...]:
    part = entry.component
    source = (part.target,) if verbose else ()
    origin = f"{entry.distribution} {entry.version}"
    return part.kind, part.name, origin, *source, part.summary


@plugins.command()
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("name", shell_complete=lambda c, p, i: components(c.params["kind"])(c, p, i))
@click.option("--json", "as_json", is_flag=True, help="Print a list with one object.")
def info(kind: str, name: str, as_json: bool) -> None:
    """Show one part: what it does, its source paper, where it is from and its parameters."""
    from imbalance_derm.registry.manager import installed
    from imbalance_derm.registry.parameters import describe

    registry = installed()
    entry = registry.get(kind, name)
    target = entry.load()
    parameters = describe(target)
    file = source_file(entry)
    presets: dict[str, dict[str, Any]] = getattr(target, "presets", {})
    if as_json:
        found = {
            **asdict(entry.component),
            "distribution": entry.distribution,
            "version": entry.version,
            "file": file,
            "parameters": [asdict(parameter) for parameter in parameters],
            "presets": presets,
        }
        click.echo(json.dumps([found], indent=2))
        return
    click.echo(f"{kind} {name}: {entry.component.summary}")
    if entry.component.citation:
        click.echo(f"Source:  {entry.component.citation}")
    click.echo(f"From:    {entry.distribution} {entry.version}")
    click.echo(f"Code:    {entry.component.target} in {file}")
    for problem in registry.of(kind, name):
        click.echo(f"Skipped: from {problem.distribution}: {problem.reason}")
    click.echo()
    if parameters:
        rows = []
        for parameter in parameters:
            default = "" if parameter.default is None else json.dumps(parameter.default)
            rows.append((parameter.name, parameter.type, default, parameter.limits, parameter.doc))
        columns(("PARAMETER", "TYPE", "DEFAULT", "LIMITS", "MEANING"), rows)
    else:
        click.echo("It has no parameters.")
    for preset, values in presets.items():
        click.echo(f"\n--preset {preset}: " + ", ".join(f"{k}={v}" for k, v in values.items()))
