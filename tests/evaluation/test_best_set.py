"""The best set: pairs one by one, p-values and their intervals, equal methods, and refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm, t
from statsmodels.stats.multitest import multipletests

from imbalance_derm.errors import InputError
from imbalance_derm.evaluation.best_set import best_set, p_value
from imbalance_derm.evaluation.decision import ARGMAX
from imbalance_derm.evaluation.over_seeds import (
    contrasts_over_seeds,
    mean_over_seeds,
    paired_over_seeds,
)
from imbalance_derm.evaluation.predictions import Predictions
from imbalance_derm.evaluation.seed_comparison import SeedComparison
from imbalance_derm.experiment.record import Figure

LABELS = np.repeat([0, 1], [60, 40])


def trained(rng, signal, seeds=3, hard=0.0, own=1.0, between=0.0):
    """Models of one method; `hard` is what all find of each image."""
    said, ids = [], np.arange(len(LABELS)).astype(str)
    for _ in range(seeds):
        merit = signal + between * rng.normal()
        p = norm.cdf(merit * (LABELS - 0.5) + hard + own * rng.normal(size=len(LABELS)))
        said.append(Predictions(ids, ids, LABELS, np.stack([1 - p, p], 1), ("a", "b")))
    return said, [ARGMAX] * seeds


def grid(*signals, seed=0, **options):
    rng = np.random.default_rng(seed)
    hard = rng.normal(size=len(LABELS))
    return {f"m{i}": trained(rng, s, hard=hard, **options) for i, s in enumerate(signals)}


def one_pair(methods, first, second, metric):
    """One pair among methods of which all say how far seeds move a figure."""
    contrast = {"pair": {first: 1.0, second: -1.0}}
    return contrasts_over_seeds(methods, contrast, [metric], 300, 4)["pair"][metric]


@pytest.mark.parametrize("lower_is_better", [False, True])
def test_every_part_equals_the_pairs_done_one_by_one(lower_is_better):
    methods, metric = grid(0.4, 3.0, 1.6, 2.8), "brier" if lower_is_better else "auc"
    found = best_set(methods, metric, lower_is_better, resamples=300, seed=4)
    figures = {
        name: mean_over_seeds(*method, [metric], 300, 4)[metric] for name, method in methods.items()
    }
    order = sorted(figures, key=lambda n: figures[n].value, reverse=not lower_is_better)
    assert list(found.standings) == order
    assert (found.top, found.pairs) == (order[0], 6)
    names, compared = list(methods), {}
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            compared[frozenset((a, b))] = one_pair(methods, a, b, metric)
    p = {pair: p_value(comparison) for pair, comparison in compared.items()}
    adjusted = dict(zip(p, multipletests(list(p.values()), method="holm")[1], strict=True))
    for name, standing in found.standings.items():
        assert standing.figure == figures[name]
        if name == found.top:
            assert (standing.against_top, standing.adjusted) == (None, 1.0)
            continue
        pair = frozenset((name, found.top))
        value = figures[name].value - figures[found.top].value
        assert standing.against_top.difference.value == pytest.approx(value)
        direct = one_pair(methods, name, found.top, metric)
        assert standing.against_top.difference.low == pytest.approx(direct.difference.low)
        assert standing.against_top.difference.high == pytest.approx(direct.difference.high)
        assert standing.p_value == pytest.approx(p[pair])
        assert standing.adjusted == pytest.approx(adjusted[pair])
        assert standing.distinguishable == (adjusted[pair] < 0.05)
        error = np.hypot(direct.lesion_error, direct.seed_error)
        freedom = direct.freedom or np.inf
        sees = (t.ppf(1 - 0.025 / 6, freedom) + t.ppf(0.8, freedom)) * error
        assert standing.detectable == pytest.approx(sees)
        assert standing.detectable > direct.detectable
    assert set(found.best) == {n for n, s in found.standings.items() if not s.distinguishable}
    assert {"m1", "m3"} <= set(found.best)
    assert "m0" not in found.best


def test_the_p_value_agrees_with_the_interval():
    """Over comparisons of which about half are below 5 %."""
    below = 0
    for seed in range(12):
        for seeds in (1, 4):
            methods = grid(1.0, 1.5, seed=seed, seeds=seeds)
            pair = paired_over_seeds(*methods["m0"], *methods["m1"], resamples=200)
            for comparison in pair.values():
                low, high = comparison.difference.low, comparison.difference.high
                if low is None or not low < comparison.difference.value < high:
                    continue
                assert (p_value(comparison) < 0.05) == (low > 0 or high < 0)
                below += p_value(comparison) < 0.05
    assert 30 < below < 300


@pytest.mark.parametrize("freedom", [None, 4.0])
def test_the_p_value_is_students_where_the_interval_is(freedom):
    distribution = norm() if freedom is None else t(freedom)
    margin = distribution.ppf(0.975) * 0.02
    for value in (0.03, -0.07):
        figure = Figure(value, value - margin, value + margin)
        found = p_value(SeedComparison(figure, 0.02, 0.0, 5, 0.06, freedom))
        assert found == pytest.approx(2 * distribution.sf(abs(value) / 0.02))
    # Only the side of zero speaks.
    skewed = Figure(0.03, 0.03 - margin, 0.9)
    assert p_value(SeedComparison(skewed, 0.02, 0.0, 5, 0.06, freedom)) == pytest.approx(
        2 * distribution.sf(1.5)
    )


@pytest.mark.parametrize(
    ("figure", "p"),
    [
        (Figure(0.0, 0.0, 0.0), 1.0),
        (Figure(0.0, -0.1, 0.1), 1.0),
        (Figure(0.2, 0.2, 0.2), 0.0),
        (Figure(0.2), np.nan),
    ],
)
def test_p_values_at_the_edges(figure, p):
    assert p_value(SeedComparison(figure, 0.0, 0.0, 3, 0.0)) == pytest.approx(p, nan_ok=True)


def test_twins_share_the_first_place():
    methods = grid(2.0, 0.2)
    found = best_set(methods | {"twin": methods["m0"]}, "auc", resamples=200)
    assert found.best == ("m0", "twin")
    twin = found.standings["twin"]
    assert (twin.p_value, twin.detectable, twin.against_top.difference.value) == (1.0, 0.0, 0.0)


def test_equal_methods_are_rarely_marked_and_the_top_alone_would_mark_more():
    """Six equal methods, 60 rankings. Bounds of four binomial standard errors."""
    trials, marked, alone = 60, 0, 0
    for trial in range(trials):
        methods = grid(*[1.5] * 6, seed=trial, seeds=2, own=1.5)
        found = best_set(methods, "accuracy", resamples=100, seed=trial)
        marked += len(found.best) < 6
        alone += any(s.p_value < 0.05 for s in found.standings.values())
    assert marked / trials < 0.05 + 4 * np.sqrt(0.05 * 0.95 / trials)
    assert alone / trials > 2 * marked / trials


def test_what_cannot_be_told_is_not_ruled_out():
    """One positive lesion is missing from a third of the draws: no interval, no verdict."""
    rng, labels = np.random.default_rng(0), np.array([0] * 20 + [1])
    ids = np.arange(21).astype(str)

    def one(score):
        p = norm.cdf(score)
        return [Predictions(ids, ids, labels, np.stack([1 - p, p], 1), ("a", "b"))], [ARGMAX]

    methods = {"good": one(3.0 * labels + rng.normal(size=21)), "bad": one(-labels * 3.0)}
    found = best_set(methods, "auc", resamples=200)
    assert found.best == ("good", "bad")
    standing = found.standings["bad"]
    assert (standing.p_value, standing.adjusted, standing.detectable) == (1.0, 1.0, None)


def test_what_has_no_best_is_refused():
    methods = grid(1.0, 1.2)
    with pytest.raises(InputError, match="1 methods have no best"):
        best_set({"m0": methods["m0"]}, "auc")
    with pytest.raises(InputError, match="unknown metric 'acu'"):
        best_set(methods, "acu")
    fewer = {**methods, "m1": tuple(part[:2] for part in methods["m1"])}
    with pytest.raises(InputError, match="3 models of 3 decisions cannot be paired with 2 of 2"):
        best_set(fewer, "auc")
    never = [
        replace(said, probabilities=np.tile([1.0, 0.0], (100, 1))) for said in methods["m1"][0]
    ]
    with pytest.raises(InputError, match="ppv of 'm1' is undefined"):
        best_set({**methods, "m1": (never, [ARGMAX] * 3)}, "ppv", resamples=100)
