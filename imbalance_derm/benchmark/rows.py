"""One row of a leaderboard, and how it is made of a run record or of a published result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from imbalance_derm.benchmark.published import PrintedFigure, PublishedRow, PublishedTable
from imbalance_derm.benchmark.recovery import QUANTITIES, ConfusionCounts
from imbalance_derm.evaluation.intervals import wilson
from imbalance_derm.experiment.record import Figure, Record
from imbalance_derm.experiment.spec import PARTS as KIND_OF_SECTION
from imbalance_derm.experiment.spec import Spec
from imbalance_derm.report.summary import is_binary

Status = Literal["measured here", "as printed", "recovered"]

PARTS = (
    "synth", "loss", "head", "sampler", "mixer", "backbone", "recipe", "stages", "optimizer",
    "posthoc",
)  # fmt: skip
"""Sections of the specification that name a method, in the order of a label."""

UNSPOKEN = {"recipe": "none", "stages": "joint", "optimizer": "torch", "posthoc": "none"}
"""What goes without saying in a label; also what records that are older than a section did."""


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
    components : dict of (str, str) to str
        Citation by kind and name of every part, as far as known.
    classes, confusion : list
        The confusion matrix of the test images, rows are the truth; empty where not known.
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
    components: dict[tuple[str, str], str] = field(default_factory=dict)
    classes: list[str] = field(default_factory=list)
    confusion: list[list[int]] = field(default_factory=list)

    def spoken(self, part: str) -> str:
        """Return the name of a part for a label, "" where it goes without saying."""
        name = self.parts.get(part, "?")
        return "" if name == UNSPOKEN.get(part) else name


THEN = " > "
"""Between the stages of a schedule."""


def measured_row(folder: Path, record: Record) -> Row:
    """Return the row of a run that was made here."""
    parts = {
        section: str(record.components[section]["name"])
        for section in PARTS
        if "name" in record.components.get(section, {})
    }
    # Records from before batches could be mixed name no mixer.
    parts.setdefault("mixer", str(Spec.model_fields["mixer"].default.name))
    stages = [str(stage["name"]) for stage in record.spec.get("stages", [])]
    recipe = str(record.spec.get("recipe") or "")
    composed = {"recipe": recipe, "stages": THEN.join(stages)}
    parts = UNSPOKEN | parts | {part: name for part, name in composed.items() if name}
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
        components={
            (kind_of(section), str(part["name"])): str(part.get("citation") or "")
            for section, part in record.components.items()
            if "name" in part
        }
        | ({("recipe", recipe): ""} if recipe else {}),
        classes=[str(name) for name in record.data.get("classes", [])],
        confusion=record.confusion.get("test", []),
    )


def kind_of(section: str) -> str:
    """Return the kind of component that a section of a specification or a record names.

    Examples
    --------
    >>> kind_of("synth"), kind_of("stage 2"), kind_of("recipe")
    ('synthesizer', 'stage', 'recipe')
    """
    return KIND_OF_SECTION.get(section, "stage" if section.startswith("stage") else section)


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
            found = _published(table, entry, "recovered", recovered_figures(fits[0]))
            rows.append(replace(found, classes=_classes(table), confusion=fits[0].matrix))
        yield rows


def _classes(table: PublishedTable) -> list[str]:
    positive = table.data.positive
    return [*(name for name in table.data.test if name != positive), positive]


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
        components={(kind_of(part), name): "" for part, name in entry.parts.items()},
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
