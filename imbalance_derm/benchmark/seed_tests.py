"""The models of each row against the top row's of the same seed: DeLong's and McNemar's tests."""

from __future__ import annotations

import math
from collections.abc import Sequence

from imbalance_derm.benchmark.predictions import Judged
from imbalance_derm.benchmark.rows import SeedTests
from imbalance_derm.errors import InputError
from imbalance_derm.evaluation.delong import DeLong, delong
from imbalance_derm.evaluation.holm import holm
from imbalance_derm.evaluation.mcnemar import mcnemar
from imbalance_derm.evaluation.predictions import Predictions


def seed_tests(members: Sequence[Judged], top: str) -> dict[str, tuple[SeedTests, ...]]:
    """Return by key of a row its tests against the top, by seed; the top has none.

    Each of the two tests is one family over all rows and seeds.

    Parameters
    ----------
    members : sequence of Judged
        Of the same test images and the same seeds.
    top : str
        Key of the row that all others are compared with.
    """
    (best,) = (each for each in members if each.row.key == top)
    made = [
        (own.row.key, seed, mcnemar(ours, rule, theirs, their_rule), _areas(ours, theirs))
        for own in members
        if own is not best
        for seed, ours, rule, theirs, their_rule in zip(
            own.row.seeds, own.said, own.decisions, best.said, best.decisions, strict=True
        )
    ]
    by_decisions = holm([decided.mid_p for *_, decided, _ in made])
    by_areas = holm([_p_value(areas) for *_, areas in made])
    found: dict[str, tuple[SeedTests, ...]] = {}
    for (key, seed, decided, areas), mid_p, p in zip(made, by_decisions, by_areas, strict=True):
        tested = SeedTests(
            seed=seed,
            mcnemar=decided,
            mcnemar_adjusted=float(mid_p),
            delong=areas,
            delong_adjusted=float(p),
            family=len(made),
        )
        found[key] = (*found.get(key, ()), tested)
    return found


def _areas(ours: Predictions, theirs: Predictions) -> DeLong | None:
    try:
        return delong(ours, theirs)
    except InputError:  # more than two classes, or too few images of one
        return None


def _p_value(areas: DeLong | None) -> float:
    return 1.0 if areas is None or math.isnan(areas.p_value) else areas.p_value
