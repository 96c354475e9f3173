"""Information between class and site against scikit-learn, enumeration and known truths."""

from __future__ import annotations

from itertools import combinations
from math import log2

import numpy as np
import pytest
from sklearn.metrics import homogeneity_score, mutual_info_score

from imbalance_derm.evaluation.information import mutual_information, site_information
from imbalance_derm.evaluation.intervals import bootstrap

CHANCES = np.array([[0.30, 0.15, 0.10, 0.05], [0.05, 0.05, 0.10, 0.20]])


def draw(rng: np.random.Generator, n: int, chances: np.ndarray = CHANCES) -> np.ndarray:
    """Return classes and sites of n lesions, (2, n)."""
    return np.stack(np.divmod(rng.choice(chances.size, n, p=chances.ravel()), chances.shape[1]))


def corrected(labels: np.ndarray, sites: np.ndarray) -> tuple[float, float]:
    """Bits and share by Miller and Madow, in plain Python."""

    def entropy(values: list) -> float:
        n = len(values)
        counts = [values.count(value) for value in set(values)]
        plain = -sum(count / n * log2(count / n) for count in counts)
        return plain + (len(counts) - 1) / (2 * n * np.log(2))

    of_class, of_site = entropy(labels.tolist()), entropy(sites.tolist())
    bits = of_class + of_site - entropy(list(zip(labels.tolist(), sites.tolist(), strict=True)))
    return bits, bits / of_class if of_class else np.nan


@pytest.mark.parametrize("seed", range(3))
def test_plug_in_equals_sklearn(seed: int) -> None:
    labels, sites = draw(np.random.default_rng(seed), 60)
    table = np.zeros((2, 4))
    np.add.at(table, (labels, sites), 1.0)
    found = float(mutual_information(table[None])[0])
    assert found == pytest.approx(mutual_info_score(labels, sites) / np.log(2))
    entropy = mutual_info_score(labels, labels) / np.log(2)
    assert found / entropy == pytest.approx(homogeneity_score(labels, sites))


@pytest.mark.parametrize("seed", range(3))
def test_value_is_corrected_as_by_miller_and_madow(seed: int) -> None:
    labels, sites = draw(np.random.default_rng(seed), 70)
    found = site_information(labels, sites, np.arange(70), resamples=20)
    assert (found.bits.value, found.share.value) == pytest.approx(corrected(labels, sites))
    assert found.lesions == 70


def test_interval_is_the_basic_bootstraps() -> None:
    labels, sites = draw(np.random.default_rng(0), 80)
    found = site_information(labels, sites, np.arange(80), resamples=100, seed=3)
    bits, share = corrected(labels, sites)
    plain = mutual_info_score(labels, sites) / np.log(2)
    errors = []
    for times in bootstrap(lambda weights: weights, np.arange(80), 100, seed=3).astype(int):
        drawn = np.repeat(np.arange(80), times)
        draw_bits, draw_share = corrected(labels[drawn], sites[drawn])
        errors.append([draw_bits - plain, draw_share - homogeneity_score(labels, sites)])
    (low, low_share), (high, high_share) = np.quantile(errors, [0.025, 0.975], axis=0)
    assert (found.bits.low, found.bits.high) == pytest.approx((bits - high, bits - low))
    expected = (share - high_share, share - low_share)
    assert (found.share.low, found.share.high) == pytest.approx(expected)


def test_p_value_equals_the_enumeration_of_all_arrangements() -> None:
    labels, sites = np.array([0, 0, 0, 0, 1, 1, 1]), np.array([0, 0, 0, 1, 1, 1, 2])
    observed = mutual_info_score(labels, sites)
    # Every choice of the three lesions of the second class is equally likely.
    arrangements = [np.isin(np.arange(7), chosen) for chosen in combinations(range(7), 3)]
    exact = np.mean([mutual_info_score(a, sites) >= observed - 1e-12 for a in arrangements])
    found = site_information(labels, sites, np.arange(7), resamples=4000).p_value
    assert 0.02 < exact < 0.5
    assert found == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 4000))


def test_photographs_of_one_lesion_are_no_further_evidence() -> None:
    labels, sites = draw(np.random.default_rng(1), 50)
    lesions = np.array([f"lesion{i:02d}" for i in range(50)])
    once = site_information(labels, sites, lesions, resamples=200)
    rows = np.random.default_rng(2).permutation(np.repeat(np.arange(50), np.arange(50) % 3 + 1))
    many = site_information(labels[rows], sites[rows], lesions[rows], resamples=200)
    assert many.p_value == once.p_value
    assert many.lesions == once.lesions == 50
    for a, b in ((many.bits, once.bits), (many.share, once.share)):
        assert (a.value, a.low, a.high) == pytest.approx((b.value, b.low, b.high))


def test_images_of_missing_site_count_nowhere() -> None:
    labels, sites = draw(np.random.default_rng(3), 60)
    sites[::4] = -1
    known = sites >= 0
    found = site_information(labels, sites, np.arange(60), resamples=50)
    only = site_information(labels[known], sites[known], np.arange(60)[known], resamples=50)
    assert found == only
    assert found.lesions == 45


def test_site_that_tells_the_class() -> None:
    sites = np.repeat([0, 1, 2, 3], [40, 30, 20, 10])
    labels = np.array([0, 1, 0, 2])[sites]
    found = site_information(labels, sites, np.arange(100), resamples=199)
    share = found.share
    assert (share.value, share.low, share.high) == pytest.approx((1.0, 1.0, 1.0))
    assert share.high <= 1.0
    assert found.p_value == pytest.approx(1 / 200)


def test_figures_stay_where_information_can_be() -> None:
    rng = np.random.default_rng(0)
    independent = [
        site_information(*rng.integers(3, size=(2, 40)), np.arange(40), 50, s) for s in range(20)
    ]
    assert all(f.bits.value >= 0 and f.bits.low >= 0 for f in independent)
    assert any(f.bits.value == 0 for f in independent)
    labels = np.arange(60) % 3
    nearly = np.where(np.arange(60) == 0, 1, labels)
    assert site_information(labels, nearly, np.arange(60), resamples=50).share.high == 1.0


@pytest.mark.filterwarnings("error")
def test_nothing_to_tell() -> None:
    one = site_information(np.zeros(9, int), np.arange(9) % 3, np.arange(9), resamples=20)
    assert (one.bits.value, one.p_value) == (pytest.approx(0.0), 1.0)
    assert np.isnan(one.share.value)
    assert (one.share.low, one.share.high) == (None, None)
    none = site_information(np.arange(4) % 2, np.full(4, -1), np.arange(4))
    assert none.lesions == 0
    assert np.isnan([none.bits.value, none.share.value, none.p_value]).all()


def test_intervals_cover_the_truth_and_p_values_hold_their_level() -> None:
    truth = float(mutual_information(CHANCES[None])[0])
    independent = np.outer(CHANCES.sum(axis=1), CHANCES.sum(axis=0))
    rng = np.random.default_rng(0)
    hits, rejected, too_high, values = 0, 0, 0, []
    for trial in range(150):
        found = site_information(*draw(rng, 150), np.arange(150), resamples=150, seed=trial)
        hits += found.bits.low <= truth <= found.bits.high
        values.append(found.bits.value)
        null = draw(rng, 150, independent)
        found = site_information(*null, np.arange(150), resamples=99, seed=trial)
        rejected += found.p_value <= 0.05
        too_high += found.bits.low > 0
    # Four standard errors about 0.93 and 0.05.
    assert 0.84 <= hits / 150 <= 1.0
    assert rejected / 150 <= 0.12
    assert too_high / 150 <= 0.12
    error = np.std(values) / np.sqrt(150)
    assert np.mean(values) == pytest.approx(truth, abs=4 * error)
