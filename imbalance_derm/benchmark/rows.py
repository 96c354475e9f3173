"""One row of a leaderboard, and how it is made of a run record or of a published result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from imbalance_derm.benchmark.published import PrintedFigure, PublishedRow, PublishedTable
from imbalance_derm.benchmark.recovery import QUANTITIES, ConfusionCounts
from imbalance_derm.evaluation.intervals import wilson
from imbalance_derm.experiment.record import Figure, Record
from imbalance_derm.experiment.spec import Spec
from imbalance_derm.report.summary import is_binary

Status = Literal["measured here", "as printed", "recovered"]

PARTS = ("synth", "loss", "head", "sampler", "mixer", "backbone")
"""Sections of the specification that name a method, in the order of a label."""


@dataclass(frozen=True)
class Row:
    """One method on one data set.

    Attributes
    ----------
    data : str
        Name of the data set.
    fingerprint : str
        Of the test images and labels behind a measured row; empty for a published one.
    method : str
        Label for a reader; :func:`imbalance_derm.benchmark.leaderboard.leaderboard` lengthens
        it where two rows would otherwise read the same.
    parts : dict of str to str
        Component by section, as far as known.
    status : {"measured here", "as printed", "recovered"}
    metrics : dict of str to Figure
        Fractions of 1, by the true name of each quantity.
    binary : bool
    test_counts : dict of str to int
        Test images by class; empty where not stated.
    printed : dict of str to PrintedFigure
        By metric, what a paper printed and under which heading.
    seed, updates : int or None
        Training seed, and budget in optimiser updates.
    source : str
        Reference of a published row; empty for a measured one.
    folder : str
        Run folder of a measured row.
    notice : str
        What must be said beside any figure from this data set.
    spec : dict
        Specification of a measured row.
    decision : str
        How a measured row's operating point was chosen.
    caveats : tuple of str
        What a published row's figures must not be taken for.
    """

    data: str
    fingerprint: str
    method: str
    parts: dict[str, str]
    status: Status
    metrics: dict[str, Figure]
    binary: bool
    test_counts: dict[str, int] = field(default_factory=dict)
    printed: dict[str, PrintedFigure] = field(default_factory=dict)
    seed: int | None = None
    updates: int | None = None
    source: str = ""
    folder: str = ""
    notice: str = ""
    spec: dict[str, Any] = field(default_factory=dict)
    decision: str = ""
    caveats: tuple[str, ...] = ()


def measured_row(folder: Path, record: Record) -> Row:
    """Return the row of a run that was made here."""
    parts = {
        section: str(record.components[section]["name"])
        for section in PARTS
        if "name" in record.components.get(section, {})
    }
    # Records from before batches could be mixed name no mixer.
    parts.setdefault("mixer", str(Spec.model_fields["mixer"].default.name))
    if record.spec.get("backbone", {}).get("frozen"):
        # A head on fixed features is another method than a fine-tuned network.
        parts["backbone"] = f"{parts['backbone']}, frozen"
    return Row(
        data=str(record.data["name"]),
        fingerprint=str(record.data.get("test_set") or record.data.get("fingerprint", "")),
        method=" + ".join(parts[section] for section in PARTS[:2] if section in parts)
        or record.name,
        parts=parts,
        status="measured here",
        metrics=record.metrics.get("test", {}),
        binary=is_binary(record.data),
        test_counts={
            str(name): int(count)
            for name, count in record.data.get("counts", {}).get("test", {}).items()
        },
        seed=record.seed,
        updates=record.data.get("updates"),
        folder=folder.as_posix(),
        notice=str(record.data.get("notice", "")),
        spec=record.spec,
        decision=decision_text(record.decision),
    )


def decision_text(decision: dict[str, Any]) -> str:
    """Return how the decision was made, in words.

    Examples
    --------
    >>> decision_text({"rule": "threshold", "criterion": "youden", "chosen_on": "validation"})
    'threshold chosen on validation (youden)'
    """
    if decision.get("rule") != "threshold":
        return "the most likely class" if decision.get("rule") == "argmax" else ""
    chosen = f"threshold chosen on {decision.get('chosen_on', 'an unknown split')}"
    criterion = decision.get("criterion")
    return f"{chosen} ({criterion})" if criterion else chosen


def published_units(table: PublishedTable) -> Iterator[list[Row]]:
    """Yield each method of a published table: the row as printed, and as recovered where it can be.

    The recovered row holds every quantity that follows from the only confusion matrix that
    fits, with Wilson's 95 % interval where the quantity is a plain proportion of images.
    """
    for entry in table.row:
        rows = [_published(table, entry, "as printed", _as_printed(entry))]
        fits = table.recovered(entry)
        if fits is not None and len(fits) == 1:
            rows.append(_published(table, entry, "recovered", recovered_figures(fits[0])))
        yield rows


def _published(
    table: PublishedTable, entry: PublishedRow, status: Status, metrics: dict[str, Figure]
) -> Row:
    figures = entry.printed if status == "as printed" else ()
    printed = {figure.quantity: figure for figure in figures}
    marks = {figure.mark for figure in printed.values()}
    footnotes = tuple(note.text for note in table.footnote if note.mark in marks)
    return Row(
        data=table.data.name,
        fingerprint="",
        method=entry.method,
        parts=entry.parts,
        status=status,
        metrics=metrics,
        binary=bool(table.data.positive),
        test_counts=dict(table.data.test),
        printed=printed,
        source=table.source.text,
        caveats=(*footnotes, *table.source.caveats),
    )


def _as_printed(entry: PublishedRow) -> dict[str, Figure]:
    return {figure.quantity: Figure(figure.value) for figure in entry.printed}


def recovered_figures(counts: ConfusionCounts) -> dict[str, Figure]:
    """Return every quantity of a confusion matrix; undefined ones (0 / 0) are left out.

    Balanced accuracy, a mean of two proportions, gets no interval.
    """
    tp, fn = counts.true_positives, counts.false_negatives
    tn, fp = counts.true_negatives, counts.false_positives
    proportions = {
        "sensitivity": (tp, tp + fn),
        "specificity": (tn, tn + fp),
        "npv": (tn, tn + fn),
        "ppv": (tp, tp + fp),
        "accuracy": (tp + tn, tp + fn + tn + fp),
    }
    figures = {}
    for name, quantity in QUANTITIES.items():
        value = quantity(counts)
        if value is None:
            continue
        low, high = wilson(*proportions[name]) if name in proportions else (None, None)
        figures[name] = Figure(float(value), low, high)
    return figures
