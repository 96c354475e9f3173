"""``imbderm plugins doctor``: every part imported, every plugin that had to be skipped told."""

from __future__ import annotations

import inspect
from importlib import import_module

import click

from imbalance_derm.cli.columns import columns
from imbalance_derm.cli.options import verbosity_options
from imbalance_derm.cli.verbosity import is_quiet
from imbalance_derm.registry.component import KINDS
from imbalance_derm.registry.manager import Registered, Registry


@click.command()
@verbosity_options
@click.pass_context
def doctor(ctx: click.Context) -> None:
    """Import every part, and tell name clashes, failed imports and wrong contracts; exit 1 if any.

    Parts are imported and described; to try what they do: imbderm plugins check KIND NAME.
    """
    from imbalance_derm.registry.manager import installed

    registry = installed()
    rows, problems = examined(registry)
    if not is_quiet():
        columns(("KIND", "NAME", "FROM", "VERSION", "SOURCE"), rows)
    for problem in problems:
        click.echo(f"PROBLEM  {problem}")
    if not is_quiet():
        click.echo(f"{len(rows)} parts can be used; problems: {len(problems)}")
    ctx.exit(1 if problems else 0)


def examined(registry: Registry) -> tuple[list[tuple[str, ...]], list[str]]:
    """Return a row for each part that can be imported and described, and every problem."""
    from imbalance_derm.registry.parameters import describe

    rows: list[tuple[str, ...]] = []
    problems = [f"{each.distribution}: {each.reason}" for each in registry.problems]
    order = sorted(registry.entries, key=lambda key: (KINDS.index(key[0]), key[1]))
    for entry in (registry.entries[key] for key in order):
        part = entry.component
        try:
            describe(entry.load())
            source = source_file(entry)
        except (Exception, SystemExit) as error:
            text = str(error).splitlines()[0] if str(error) else type(error).__name__
            problems.append(f"{entry.distribution}: {part.kind} '{part.name}': {text}")
        else:
            rows.append((part.kind, part.name, entry.distribution, entry.version, source))
    return rows, problems


def source_file(entry: Registered) -> str:
    """Return the file that a part is in, once it has been imported."""
    module = import_module(entry.component.target.partition(":")[0])
    return inspect.getsourcefile(module) or "?"
