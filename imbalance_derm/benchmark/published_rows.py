"""Rows of published results: as printed, and as recovered where a confusion matrix was found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from imbalance_derm.benchmark.published import PublishedRow, PublishedTable
from imbalance_derm.benchmark.recovery import QUANTITIES, ConfusionCounts
from imbalance_derm.benchmark.rows import Row, Status, kind_of
from imbalance_derm.evaluation.intervals import wilson
from imbalance_derm.experiment.record import Figure


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
