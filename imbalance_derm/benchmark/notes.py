"""What a reader must know before comparing two rows of a ranking."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from imbalance_derm.benchmark.published import PublishedTable
from imbalance_derm.benchmark.rows import PARTS, Row
from imbalance_derm.report.summary import LOWER_IS_BETTER, title_of

_NAMED = 5
OTHER_VERSION = "Runs on other test images of this data set have a ranking of their own."


def notes_of(
    measured: Sequence[Row],
    tables: Sequence[PublishedTable],
    ranked_by: str,
    asked: str,
    repeats: Sequence[str],
    stale: Sequence[str],
) -> Iterable[str]:
    """Yield what must be said beside a ranking.

    Parameters
    ----------
    measured : sequence of Row
    tables : sequence of PublishedTable
        Published on the same data set.
    ranked_by, asked : str
        What ranks, and what was asked for; the latter may be empty.
    repeats : sequence of str
        Runs that repeat a method and seed, and are left out.
    stale : sequence of str
        Runs in a suite's folder that the suite no longer has, and are left out.
    """
    yield from (row.notice for row in measured if row.notice)
    yield from dict.fromkeys(f"leaky: {row.leaky}" for row in measured if row.leaky)
    direction = "lowest" if ranked_by in LOWER_IS_BETTER else "highest"
    if asked and asked != ranked_by:
        yield f"No row here has {asked}."
    yield f"Ranked by {title_of(ranked_by)}, {direction} first; [low, high] is a 95 % interval."
    yield from _intervals(measured)
    yield from _left_out("repeat a method and seed of a newer run", repeats)
    yield from _left_out("lie in a suite's folder but are not of the suite as it is now", stale)
    yield from _shared(measured)
    for table in tables:
        yield from _comparison(measured, table)
        yield from (f"{note.mark} {note.text}" for note in table.footnote)
        yield from _recovery(table)
        yield from (f"{table.source.key}: {text}" for text in table.source.caveats)


def _left_out(why: str, runs: Sequence[str]) -> Iterable[str]:
    if runs:
        more = ", ..." if len(runs) > _NAMED else ""
        named = ", ".join(runs[:_NAMED])
        yield f"{len(runs):,} runs {why} and are left out: {named}{more}."


def _intervals(measured: Sequence[Row]) -> Iterable[str]:
    """Say what the intervals of rows with one seed and with several cover."""
    several = [row for row in measured if len(row.runs) > 1]
    if len(several) < len(measured):
        yield (
            "Rows of one seed: intervals cover the draw of the test images, not of the training "
            "seed; where two of them overlap, this table does not say which row is better."
        )
    if not several:
        return
    drawn = [
        row for row in several if any(figure.low is not None for figure in row.metrics.values())
    ]
    if drawn:
        yield (
            "Rows of several seeds: the mean, with an interval that covers the draw of the test "
            "lesions and of the training seeds."
        )
    held = sum(map(_one_synthesizer, drawn))
    if held:
        yield (
            f"In {held:,} of the rows of several seeds the synthesizer has a fixed seed: all "
            "training seeds were fed what one fitted synthesizer made, and no interval or p-value "
            "covers another one."
        )
    without = len(several) - len(drawn)
    if without:
        yield (
            f"Without interval ({without:,} of the rows of several seeds): the mean of the "
            "records' figures; an interval over seeds takes the predictions of every run."
        )


def _one_synthesizer(row: Row) -> bool:
    """Whether the runs of a row share the samples of one fitted synthesizer."""
    return row.synthetic and row.spec.get("synth", {}).get("seed", -1) >= 0


def _shared(measured: Sequence[Row]) -> Iterable[str]:
    """Say what all measured rows have in common, and where their budgets part."""
    if not measured:
        return
    parts = [
        f"{part} {measured[0].parts[part]}"
        for part in PARTS[2:]
        if part in measured[0].parts
        and measured[0].spoken(part)
        and len({row.parts.get(part) for row in measured}) == 1
    ]
    if parts:
        yield f"All rows measured here: {', '.join(parts)}."
    updates = sorted({each for row in measured for each in row.updates})
    if len(updates) == 1:
        yield f"Budget of the rows measured here: {updates[0]:,} optimiser updates."
    elif updates:
        yield (
            f"Not at equal budget: the rows measured here had {updates[0]:,} to {updates[-1]:,} "
            "optimiser updates; compare rows of equal updates only."
        )
    for decision in dict.fromkeys(row.decision for row in measured if row.decision):
        yield f"Decisions measured here: {decision}."


def _comparison(measured: Sequence[Row], table: PublishedTable) -> Iterable[str]:
    """Say how the test images of the measured rows differ from the paper's."""
    official = table.data.test
    if not official:
        return
    whole, key = sum(official.values()), table.source.key
    distinct = {tuple(sorted(row.test_counts.items())) for row in measured}
    for counts in map(dict, sorted(distinct)):
        if counts == official:
            yield f"Measured here on as many test images, class by class, as {key}: {whole}."
            continue
        detail = ", ".join(f"{counts.get(name, 0)} of {n} {name}" for name, n in official.items())
        here = sum(counts.values())
        yield (
            f"Measured here on {here} of {key}'s {whole} test images "
            f"({here / whole:.0%}: {detail}): figures side by side, not on one test set."
        )


def _recovery(table: PublishedTable) -> Iterable[str]:
    found = [(entry, table.recovered(entry)) for entry in table.row]
    if any(fits is not None and len(fits) == 1 for _, fits in found):
        yield (
            "recovered: from the only confusion matrix that agrees with the printed figure and "
            "the printed count of missed positives; intervals by Wilson."
        )
    for entry, fits in found:
        if fits is not None and len(fits) != 1:
            count = "no confusion matrix agrees" if not fits else f"{len(fits)} matrices agree"
            yield f"{entry.method} is not recovered: {count} with the printed figures."
