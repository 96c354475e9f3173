"""The statistics of a ranking: intervals over seeds, the best set, the choice, effects by axis."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from imbalance_derm.benchmark.choice import (
    Choice,
    ValidatedOn,
    choose,
    eligible,
    left_out,
    sentence,
)
from imbalance_derm.benchmark.effects import Effect, effects, plans
from imbalance_derm.benchmark.predictions import (
    MOST_PAIRS,
    Family,
    Judged,
    alike,
    measured,
    read_family,
    reasons,
)
from imbalance_derm.benchmark.rows import Row, SeedTests
from imbalance_derm.benchmark.seed_tests import seed_tests
from imbalance_derm.evaluation.best_set import BestSet, best_set
from imbalance_derm.evaluation.over_seeds import contrasts_over_seeds, mean_over_seeds
from imbalance_derm.evaluation.seed_comparison import SeedComparison
from imbalance_derm.report.summary import LOWER_IS_BETTER, title_of

_CHOICE = "chosen - baseline"
_NAMED = 5


@dataclass(frozen=True)
class Standings:
    """Measured rows with their statistics, and what these say.

    Attributes
    ----------
    rows : list of Row
        As given, with intervals over seeds, standings and marks.
    findings : list of str
        What the ranking says, in sentences; the choice first.
    effects : tuple of Effect
    """

    rows: list[Row]
    findings: list[str]
    effects: tuple[Effect, ...]


def standings(
    rows: Sequence[Row],
    metric: str,
    columns: Sequence[str],
    axes: Mapping[str, Sequence[str]] = {},
) -> Standings:
    """Work out all that the predictions beside the records allow.

    Parameters
    ----------
    rows : sequence of Row
        Measured rows of one test set, named.
    metric : str
        What ranks them.
    columns : sequence of str
        Metrics that are shown: those that get an interval over seeds.
    axes : mapping of str to sequence of str
        By suite that rows are of.
    """
    family = read_family(rows, metric)
    members = family.members
    known = _known(family)
    able = metric in known and len(members) > 1
    ranked = _ranked(members, metric) if able else None
    candidates = [each.row for each in members] if able else list(rows)
    images = {each.row.key: each.validated_on for each in family.judged if each.validated_on}
    choice = choose(candidates, metric, images)
    shown = [name for name in columns if name in known]
    planned = plans([each.row for each in members], axes) if able else []
    contrasts: dict[str, dict[str, float]] = {plan.name: plan.weights for plan in planned}
    if choice is not None and able and choice.baseline not in (None, choice.row):
        assert choice.baseline is not None
        contrasts[_CHOICE] = {choice.row.key: 1.0, choice.baseline.key: -1.0}
    if members and len(members[0].row.runs) > 1:
        contrasts |= {each.row.key: {each.row.key: 1.0} for each in members}
    found: dict[str, dict[str, SeedComparison]] = {}
    if contrasts and shown:
        methods = {each.row.key: each.method for each in members}
        found = contrasts_over_seeds(methods, contrasts, shown)
    compared = found.get(_CHOICE, {}).get(metric)
    made = effects(planned, {p.name: found[p.name][metric] for p in planned}, metric)
    tests = {} if ranked is None else seed_tests(members, ranked.top)
    return Standings(
        [_settled(row, family, found, shown, ranked, tests, choice) for row in rows],
        [
            *_of_choice(choice, candidates, rows, images, metric, compared),
            *_findings(family, ranked, metric),
        ],
        made,
    )


def _known(family: Family) -> set[str]:
    """Return the metrics that follow from predictions."""
    names = [set(measured(each.said[0], each.decisions[0])) for each in family.judged[:1]]
    return names[0] if names else set()


def _ranked(members: Sequence[Judged], metric: str) -> BestSet | None:
    if len(members) * (len(members) - 1) // 2 > MOST_PAIRS:
        return None
    methods = {each.row.key: each.method for each in members}
    return best_set(methods, metric, metric in LOWER_IS_BETTER)


def _settled(
    row: Row,
    family: Family,
    intervals: dict[str, dict[str, SeedComparison]],
    shown: Sequence[str],
    ranked: BestSet | None,
    tests: Mapping[str, tuple[SeedTests, ...]],
    choice: Choice | None,
) -> Row:
    own = next((each for each in family.judged if each.row.key == row.key), None)
    if own is not None and len(row.runs) > 1 and shown:
        if row.key in intervals:
            figures = {name: c.difference for name, c in intervals[row.key].items()}
        else:
            figures = mean_over_seeds(*own.method, shown)
        row = replace(row, metrics=row.metrics | figures)
    row = replace(row, chosen=choice is not None and choice.row.key == row.key)
    if ranked is None or own is None or row.key not in ranked.standings:
        return row
    (top,) = (each for each in family.members if each.row.key == ranked.top)
    return replace(
        row,
        standing=ranked.standings[row.key],
        other_budget=row.updates != top.row.updates,
        tests=tests.get(row.key, ()),
    )


def _of_choice(
    choice: Choice | None,
    candidates: Sequence[Row],
    rows: Sequence[Row],
    images: ValidatedOn,
    metric: str,
    compared: SeedComparison | None,
) -> Iterator[str]:
    if choice is not None:
        yield sentence(choice, metric, compared)
        yield from reasons(left_out(choice, candidates, rows, images), "Not in the choice")
    elif len(eligible(candidates, metric)) > 1:
        yield "No choice on validation: no two rows have the same validation images and seeds."


def _findings(
    family: Family,
    ranked: BestSet | None,
    metric: str,
) -> Iterator[str]:
    members = family.members
    if ranked is not None:
        yield _best(ranked, len(members[0].row.runs), metric)
        top = next(each.row for each in members if each.row.key == ranked.top)
        others = [each.row.method for each in members if each.row.updates != top.updates]
        if others:
            yield (
                f"Other numbers of updates than the top, {top.method} (marked other budget): "
                f"{'; '.join(others)}. What sets them apart may be the budget."
            )
    elif len(members) > 1:
        yield (
            f"No best set: {title_of(metric)} does not follow from predictions, or there are more "
            f"than {MOST_PAIRS:,} pairs of rows to compare."
        )
    elif len(members) + len(family.outside) > 1:
        yield "No best set: fewer than two rows can be compared in pairs."
    yield from _alike(members)
    yield from reasons(family.outside)


def _alike(members: Sequence[Judged]) -> Iterator[str]:
    """Name the methods that are one under several names."""
    groups = [[each.row.method for each in group] for group in alike(members)]
    if groups:
        named = "; ".join(" = ".join(group) for group in groups[:_NAMED])
        more = f"; {len(groups) - _NAMED:,} more such groups" if len(groups) > _NAMED else ""
        count = sum(map(len, groups))
        yield (
            f"{count:,} methods made the same predictions and decisions as another, seed by seed: "
            f"{named}{more}. Each still counts in Holm's families, and in effects "
            "pairs of them are differences of zero."
        )


def _best(ranked: BestSet, seeds: int, metric: str) -> str:
    best, count = len(ranked.best), len(ranked.standings)
    drawn = f"lesions and {seeds} seeds" if seeds > 1 else "lesions, 1 seed each"
    way = "lowest" if metric in LOWER_IS_BETTER else "highest"
    said = (
        f"Marked best: {best} of {count} methods, those not distinguishable from the {way} mean "
        f"{title_of(metric)} (paired bootstrap over {drawn}; Holm over {ranked.pairs:,} "
        f"{'pair' if ranked.pairs == 1 else 'pairs'} at 5 %)."
    )
    seen = [s.detectable for s in ranked.standings.values() if s.detectable is not None]
    possible = [value for value in seen if value <= 1]
    if possible:
        low, high = f"{min(possible):.3f}", f"{max(possible):.3f}"
        span = low if low == high else f"{low} to {high}, method by method,"
        said += f" A true difference of {span} would have been seen with a chance of 80 %."
    if len(possible) < len(seen):
        said += f" For {len(seen) - len(possible)} of them none: so few seeds say too little."
    return said
