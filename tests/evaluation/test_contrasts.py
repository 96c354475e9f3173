"""Weighted sums of methods' figures: what they add up to, and evidence that is shared."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from imbalance_derm.errors import InputError
from imbalance_derm.evaluation.decision import ARGMAX
from imbalance_derm.evaluation.over_seeds import contrasts_over_seeds, paired_over_seeds
from imbalance_derm.evaluation.predictions import Predictions
from imbalance_derm.evaluation.seed_comparison import SeedSpread, combine, seed_spread

LABELS = np.repeat(np.arange(40) % 2, 2)
LESIONS = np.repeat(np.arange(40), 2).astype(str)
IDS = np.arange(80).astype(str)
SEEDS = 3


def method(rng, signal):
    said = []
    for _ in range(SEEDS):
        p = norm.cdf(signal * LABELS + np.repeat(rng.normal(size=40), 2) + rng.normal(size=80))
        said.append(Predictions(IDS, LESIONS, LABELS, np.stack([1 - p, p], 1), ("a", "b")))
    return said, [ARGMAX] * SEEDS


@pytest.fixture
def methods():
    rng = np.random.default_rng(0)
    return {name: method(rng, signal) for name, signal in (("a", 0.5), ("b", 1.5), ("c", 1.0))}


def compare(methods, metric="auc", **contrasts):
    found = contrasts_over_seeds(methods, contrasts, [metric], resamples=300)
    return {name: by_metric[metric] for name, by_metric in found.items()}


def test_they_are_the_sums_that_they_name(methods):
    auc = {
        name: np.mean([roc_auc_score(LABELS, p.probabilities[:, 1]) for p in said])
        for name, (said, _) in methods.items()
    }
    found = compare(methods, one={"a": 1.0}, mixed={"a": 0.5, "b": 0.5, "c": -1.0})
    assert found["one"].difference.value == pytest.approx(auc["a"])
    mixed = found["mixed"].difference
    assert mixed.value == pytest.approx((auc["a"] + auc["b"]) / 2 - auc["c"])
    assert mixed.low < mixed.value < mixed.high


def test_a_difference_is_the_paired_comparison_and_its_mirror_is_mirrored(methods):
    two = {name: methods[name] for name in "ab"}
    found = compare(two, "brier", ours={"b": 1, "a": -1}, theirs={"a": 1, "b": -1})
    assert found["ours"] == paired_over_seeds(*methods["b"], *methods["a"], ["brier"], 300)["brier"]
    ours, theirs = found["ours"].difference, found["theirs"].difference
    assert (ours.value, ours.low, ours.high) == pytest.approx(
        (-theirs.value, -theirs.high, -theirs.low)
    )


def test_the_same_pair_again_is_no_more_evidence(methods):
    """Methods share their lesions and seeds; as independent ones they would halve the variance."""
    twins = methods | {"a2": methods["a"], "b2": methods["b"]}
    twice = compare(twins, twice={"b": 0.5, "b2": 0.5, "a": -0.5, "a2": -0.5})["twice"]
    once = paired_over_seeds(*methods["b"], *methods["a"], ["auc"], 300)["auc"]
    assert twice.lesion_error == pytest.approx(once.lesion_error)
    assert twice.seed_error >= once.seed_error - 1e-12


def test_the_spread_of_seeds_is_the_residual_of_the_two_way_layout():
    values = np.random.default_rng(3).normal(size=(5, 4))
    flat = [(m, s, values[m, s]) for m in range(5) for s in range(4)]
    table = pd.DataFrame(flat, columns=["method", "seed", "figure"])
    fitted = smf.ols("figure ~ C(method) + C(seed)", table).fit()
    found = seed_spread(values, values[None] + np.zeros((7, 1, 1)))
    assert found.variance == pytest.approx(fitted.mse_resid)
    assert (found.noise, found.freedom) == (pytest.approx(0.0), fitted.df_resid)


def test_a_seeds_noise_of_the_test_set_is_told_apart_from_what_training_moves():
    rng = np.random.default_rng(5)
    noise = rng.normal(scale=0.3, size=(20_000, 4, 3))
    found = seed_spread(np.zeros((4, 3)), noise)
    assert found.noise == pytest.approx(0.3**2, rel=0.03)
    noise[:100] = np.nan  # draws without a figure
    assert seed_spread(np.zeros((4, 3)), noise).noise == pytest.approx(found.noise, rel=0.02)


@pytest.mark.parametrize("larger", [True, False])
def test_the_larger_of_the_pairs_own_spread_and_the_pooled_one_counts(larger):
    rng = np.random.default_rng(6)
    values = np.array([0.01, 0.03, 0.02])
    draws = values + rng.normal(scale=0.01, size=(2000, 1)) + np.zeros(3)
    shares = rng.multinomial(3, np.full(3, 1 / 3), 2000) / 3
    own = combine(values, draws, shares, (0.0, 1.0), True)
    pooled = SeedSpread(0.05**2 if larger else 1e-9, 0.0, 8)
    found = combine(values, draws, shares, (0.0, 1.0), True, pooled)
    if not larger:
        assert found == own
        return
    assert found.seed_error == pytest.approx(np.sqrt(0.05**2 / 3))
    both = found.lesion_error**2 + 0.05**2 / 3
    assert found.freedom == pytest.approx(both**2 * 8 / (0.05**2 / 3) ** 2)  # Satterthwaite
    assert found.difference.low < own.difference.low < own.difference.high < found.difference.high


def test_a_ranking_knows_more_of_the_seeds_than_a_pair_does(methods):
    alone = paired_over_seeds(*methods["a"], *methods["b"], ["auc"], 300)["auc"]
    among = compare(methods, pair={"a": 1, "b": -1})["pair"]
    assert among.difference.value == pytest.approx(alone.difference.value)
    assert among.seed_error >= alone.seed_error


def test_a_metric_that_is_not_known_is_named_beside_those_that_are(methods):
    with pytest.raises(InputError, match="unknown metric 'area'; these models have auc, "):
        compare(methods, "area", one={"a": 1.0})
