"""What a finished command shows: the headline figures of a run, and where its result is."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from imbalance_derm.cli.verbosity import is_quiet
from imbalance_derm.experiment.record import Record
from imbalance_derm.report.summary import summary


def show(record: Record, folder: Path) -> None:
    """Print the headline figures with their intervals and the path of the report.

    With ``--quiet`` the path of the run's folder is all.
    """
    if is_quiet():
        show_path("Run", folder)
        return
    console = Console(highlight=False)
    # A title of the table's own would wrap at the table's width.
    console.print(f"{record.name}: test set", style="italic", soft_wrap=True)
    table = Table()
    table.add_column("metric")
    table.add_column("value [95 % interval]", justify="right")
    for row in summary(record):
        table.add_row(row.title, row.text)
    console.print(table)
    for condition in ("clean", "corrupted"):
        if condition in record.paired:
            console.print(f"Paired, {condition}: {record.paired[condition]['sentence']}")
    if record.data["notice"]:
        console.print(record.data["notice"], style="yellow")
    show_path("Report", folder / "report.html")


def show_path(what: str, path: Path) -> None:
    """Print a path that a person can click; with ``--quiet``, the path alone for a script."""
    full = path.resolve()
    if is_quiet():
        click.echo(full)
        return
    console = Console(highlight=False)
    console.print(f"{what}: {full}", soft_wrap=True, markup=False, style=f"link {full.as_uri()}")
