"""Which row to take: chosen on validation, then compared with the baseline on the test images."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from imbalance_derm.benchmark.rows import PARTS, UNSPOKEN, Row
from imbalance_derm.evaluation.benefit import benefit
from imbalance_derm.evaluation.seed_comparison import SeedComparison
from imbalance_derm.experiment.spec import Spec
from imbalance_derm.report.summary import LOWER_IS_BETTER, title_of

_OF_BASELINE = ("synth", "loss", "head")
_MAY_BE_COMMON = ("loss", "head")
"""What all rows share is no remedy that sets one of them apart."""

ValidatedOn = Mapping[str, tuple[int, ...]]
"""By key of a row, as far as known: equal where its validation images are, seed by seed."""


@dataclass(frozen=True)
class Choice:
    """The row that validation chooses.

    Attributes
    ----------
    row : Row
    validation : float
        Its mean figure on validation.
    among : tuple of Row
        Those that it was chosen from: all were validated on the same images.
    baseline : Row or None
        The row that does nothing about imbalance beyond what all rows do; None where there is
        none.
    plain : tuple of str
        Synthesizer, loss and head of a baseline.
    """

    row: Row
    validation: float
    among: tuple[Row, ...]
    baseline: Row | None
    plain: tuple[str, ...]


def choose(rows: Sequence[Row], metric: str, images: ValidatedOn) -> Choice | None:
    """Return the row with the best mean figure on validation, None where there is no choice.

    Figures of different validation images are not compared: the choice is made within the
    largest set of rows whose validation images and seeds are equal.

    Parameters
    ----------
    rows : sequence of Row
        Measured rows. Leaky ones are not among the candidates.
    metric : str
    images : ValidatedOn
    """
    known = eligible(rows, metric)
    by_images = all(row.key in images for row in known)
    sets: dict[Hashable, list[Row]] = {}
    for row in known:
        on = images[row.key] if by_images else tuple(sorted(row.validation_counts.items()))
        sets.setdefault((on, row.seeds), []).append(row)
    among = max(sets.values(), key=lambda own: (len(own), len(own[0].runs)), default=[])
    if len(among) < 2:
        return None
    sign = 1.0 if metric in LOWER_IS_BETTER else -1.0
    best = min(among, key=lambda row: (sign * validation_mean(row, metric), row.method))
    honest = [row for row in rows if not row.leaky]
    plain = plain_parts(honest)
    return Choice(
        best,
        validation_mean(best, metric),
        tuple(among),
        baseline_of(honest, best, plain),
        tuple(plain[part] for part in _OF_BASELINE),
    )


def eligible(rows: Sequence[Row], metric: str) -> list[Row]:
    """Return the rows that have a figure on validation and are not leaky."""
    return [row for row in rows if not row.leaky and not math.isnan(validation_mean(row, metric))]


def left_out(
    choice: Choice, candidates: Sequence[Row], rows: Sequence[Row], images: ValidatedOn
) -> list[tuple[str, str]]:
    """Return reason and method of rows that could not compete.

    Parameters
    ----------
    choice : Choice
    candidates : sequence of Row
        That it was made from.
    rows : sequence of Row
        All of the ranking; those that are no candidates are named for their images only.
    images : ValidatedOn
    """
    like, among = choice.among[0], {row.key for row in choice.among}
    found = []
    for row in rows:
        if row.key in among or not any(run.validation for run in row.runs):
            continue
        other = row.validation_counts != like.validation_counts
        if row.seeds == like.seeds and row.key in images and like.key in images:
            other = images[row.key] != images[like.key]
        if other:
            found.append(("other validation images", row.method))
        elif row.seeds != like.seeds and any(row.key == each.key for each in candidates):
            found.append(("other seeds", row.method))
    return found


def validation_mean(row: Row, metric: str) -> float:
    """Return the mean of a figure on validation over the runs, nan where one lacks it."""
    values = [run.validation[metric].value for run in row.runs if metric in run.validation]
    return math.fsum(values) / len(values) if len(values) == len(row.runs) else math.nan


def plain_parts(rows: Sequence[Row]) -> dict[str, str]:
    """Return what a baseline has by part: the default, or the loss or head of all rows."""
    plain = {part: default_part(part) for part in PARTS}
    for part in _MAY_BE_COMMON:
        names = {row.parts.get(part, "") for row in rows}
        if len(names) == 1:
            plain[part] = names.pop()
    return plain


def baseline_of(rows: Sequence[Row], beside: Row, plain: Mapping[str, str]) -> Row | None:
    """Return the row without synthetic images, special loss or head, else as plain as there is.

    `plain` is what it has by part. Of several, the one that has most in common with `beside`.
    """
    found = [
        row for row in rows if all(row.parts.get(part) == plain[part] for part in _OF_BASELINE)
    ]

    def likeness(row: Row) -> tuple[int, bool, int, str]:
        extras = sum(row.parts.get(part) != plain[part] for part in PARTS if part != "backbone")
        alike = sum(row.spec.get(key) == value for key, value in beside.spec.items())
        return extras, row.updates != beside.updates, -alike, row.method

    return min(found, key=likeness, default=None)


def default_part(part: str) -> str:
    """Return the part that a specification has where nothing is said.

    Examples
    --------
    >>> default_part("loss"), default_part("stages")
    ('ce', 'joint')
    """
    default = Spec.model_fields[part].default
    return UNSPOKEN.get(part) or str(getattr(default, "name", default))


def sentence(choice: Choice, metric: str, comparison: SeedComparison | None) -> str:
    """Say what was chosen and how it compares with the baseline.

    Parameters
    ----------
    choice : Choice
    metric : str
    comparison : SeedComparison or None
        Chosen minus baseline on the test images; None where they cannot be paired.
    """
    row, baseline, title = choice.row, choice.baseline, title_of(metric)
    count = len(row.runs)
    best = "lowest" if metric in LOWER_IS_BETTER else "highest"
    seeds = "1 seed" if count == 1 else f"{count} seeds"
    chosen = (
        f"Chosen on validation: {row.method} ({best} mean {title} there: "
        f"{choice.validation:.3f}, {seeds})."
    )
    if baseline is None:
        plain = " + ".join(choice.plain)
        return f"{chosen} There is no baseline here ({plain}) to compare it with."
    if baseline.key == row.key:
        return f"{chosen} It is the baseline: no remedy did better on validation."
    if comparison is None:
        return f"{chosen} It cannot be paired with the baseline, {baseline.method}."
    said = benefit(comparison, title, row.method, baseline.method).removeprefix(f"{title}: ")
    found = f"{chosen} Against the baseline, on the test images: {said}"
    figure = comparison.difference
    seen = figure.low is not None and figure.high is not None
    if seen and comparison.detectable is not None and "would have been seen" not in said:
        found += f" The smallest difference that would have been seen: {comparison.detectable:.3f}."
    if row.updates != baseline.updates:
        found += " The two had different numbers of updates: the difference may be the budget's."
    return found
