"""What a finished run shows: its headline figures and where its report is."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from imbalance_derm.experiment.record import Record
from imbalance_derm.report.summary import summary


def show(record: Record, folder: Path) -> None:
    """Print the headline figures with their intervals and the path of the report."""
    console = Console(highlight=False)
    table = Table(title=f"{record.name}: test set", title_justify="left")
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
    report = (folder / "report.html").resolve()
    console.print(f"Report: {report}", soft_wrap=True, style=f"link {report.as_uri()}")
