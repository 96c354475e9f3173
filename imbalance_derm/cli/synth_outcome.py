"""What the commands of ``imbderm synth`` show when they are done."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.table import Table

from imbalance_derm.cli.outcome import show_path
from imbalance_derm.cli.verbosity import is_quiet

if TYPE_CHECKING:
    from imbalance_derm.experiment.stages import Stage
    from imbalance_derm.pipeline.audit import AuditOutcome
    from imbalance_derm.pipeline.synthesis import Synthetic
    from imbalance_derm.pipeline.synthetic_data import Preparation


def show_fit(preparation: Preparation, stage: Stage) -> None:
    """Print what was fitted, how long it took, and how many it would make."""
    if is_quiet():
        return
    console, facts = Console(highlight=False), stage.facts
    quota, lesions = preparation.workshop.quota, preparation.lesions.train.lesions
    table = Table(title=_title(preparation), title_justify="left")
    table.add_column("class")
    table.add_column("training images", justify="right")
    table.add_column("to make", justify="right")
    for label, name in enumerate(preparation.classes):
        wanted = f"{quota[label]:,}" if label in quota else "-"
        table.add_row(name, f"{lesions.class_counts[label]:,}", wanted)
    console.print(table)
    steps = f"{facts['steps']:,} steps, " if facts.get("steps") else ""
    found = ", found in the cache" if stage.entry.cached else ""
    console.print(f"Fitted: {steps}{stage.entry.seconds:.1f} s{found}")


def show_made(preparation: Preparation, synthetic: Synthetic, folder: Path) -> None:
    """Print how many samples were asked for and made, and where they are."""
    if is_quiet():
        show_path("Samples", folder)
        return
    table = Table(title=_title(preparation), title_justify="left")
    table.add_column("class")
    for heading in ("training images", "asked for", "made"):
        table.add_column(heading, justify="right")
    lesions = preparation.lesions.train.lesions
    made = np.bincount(synthetic.labels, minlength=len(preparation.classes))
    for label, name in enumerate(preparation.classes):
        asked = synthetic.asked.get(name, 0)
        table.add_row(name, *(f"{n:,}" for n in (lesions.class_counts[label], asked, made[label])))
    Console(highlight=False).print(table)
    show_path("Samples", folder)


def show_audit(outcome: AuditOutcome) -> None:
    """Print the tables of an audit, what they say, and where its page is."""
    if is_quiet():
        show_path("Page", outcome.page)
        return
    from imbalance_derm.report.synthetic import tables

    console = Console(highlight=False)
    for found in tables(outcome.audit):
        # A row a figure: a data set has fewer classes than an audit has figures.
        table = Table(title=found["title"], title_justify="left")
        table.add_column("")
        for name, _ in found["rows"]:
            table.add_column(name, justify="right")
        for place, heading in enumerate(found["heads"]):
            table.add_row(heading, *(cells[place] for _, cells in found["rows"]))
        console.print(table)
    console.print(f"Features: {outcome.audit.extractor}. In brackets: real against real.")
    if outcome.facts["benefit"] is not None:
        console.print("[bold]Does it help?[/bold]")
        for found in outcome.facts["benefit"]["against"].values():
            console.print(f"- {found['sentence']}", markup=False)
        console.print(outcome.facts["benefit"]["note"])
    notice = outcome.facts["data"]["notice"]
    if notice:
        console.print(notice, style="yellow")
    show_path("Page", outcome.page)


def _title(preparation: Preparation) -> str:
    spec = preparation.spec
    return f"{spec.synth.name} on {spec.data.name}, {spec.data.image_size} px, seed {spec.seed}"
