"""Which row to take: chosen on validation, then compared with the baseline on the test images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from imbalance_derm.benchmark.rows import PARTS, UNSPOKEN, Row
from imbalance_derm.evaluation.benefit import benefit
from imbalance_derm.evaluation.over_seeds import SeedComparison
from imbalance_derm.experiment.spec import Spec
from imbalance_derm.report.summary import LOWER_IS_BETTER, title_of

_OF_BASELINE = ("synth", "loss", "head")


@dataclass(frozen=True)
class Choice:
    """The row that validation chooses.

    Attributes
    ----------
    row : Row
    validation : float
        Its mean figure on validation.
    baseline : Row or None
        The row that does nothing about imbalance; None where there is none.
    """

    row: Row
    validation: float
    baseline: Row | None


def choose(rows: Sequence[Row], metric: str) -> Choice | None:
    """Return the row with the best mean figure on validation, None where there is no choice.

    Parameters
    ----------
    rows : sequence of Row
        Measured rows. Leaky ones are not among the candidates.
    metric : str
    """
    found = [(row, validation_mean(row, metric)) for row in rows if not row.leaky]
    known = [(row, value) for row, value in found if not math.isnan(value)]
    if len(known) < 2:
        return None
    sign = 1.0 if metric in LOWER_IS_BETTER else -1.0
    row, value = min(known, key=lambda entry: (sign * entry[1], entry[0].method))
    return Choice(row, value, baseline_of([row for row in rows if not row.leaky], row))


def validation_mean(row: Row, metric: str) -> float:
    """Return the mean of a figure on validation over the runs, nan where one lacks it."""
    values = [run.validation[metric].value for run in row.runs if metric in run.validation]
    return math.fsum(values) / len(values) if len(values) == len(row.runs) else math.nan


def baseline_of(rows: Sequence[Row], beside: Row) -> Row | None:
    """Return the row without synthetic images, special loss or head, else as plain as there is.

    Of several, the one that has most in common with `beside`.
    """
    plain = {part: default_part(part) for part in PARTS}
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
        return f"{chosen} There is no baseline here (none + ce + single_task) to compare it with."
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
