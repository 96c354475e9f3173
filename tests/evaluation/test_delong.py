"""DeLong's test against its definition over all pairs, and against another implementation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from MLstatkit.delong import Delong_test
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from imbalance_derm.errors import InputError
from imbalance_derm.evaluation.delong import delong, structural_components
from imbalance_derm.evaluation.predictions import Predictions


def pair(make_predictions, seed: int, decimals: int | None = None, counts=(40, 17)):
    """Two models on the same images, whose scores are correlated."""
    said = make_predictions(seed, counts, decimals)
    noise = 0.15 * np.random.default_rng(seed).normal(size=len(said.labels))
    score = np.clip(said.probabilities[:, 1] + noise, 0, 1)
    score = score if decimals is None else np.round(score, decimals)
    return said, replace(said, probabilities=np.stack([1 - score, score], axis=1))


def by_pairs(first: Predictions, second: Predictions) -> tuple[float, float]:
    """Difference and variance as DeLong et al. define them, over all pairs of images."""
    kernels = []
    for said in (first, second):
        score = said.probabilities[:, 1]
        above, below = score[said.labels == 1][:, None], score[said.labels == 0][None, :]
        kernels.append((above > below) + 0.5 * (above == below))
    m, n = kernels[0].shape
    positives = np.cov([kernel.mean(axis=1) for kernel in kernels])
    negatives = np.cov([kernel.mean(axis=0) for kernel in kernels])
    contrast = np.array([1.0, -1.0])
    variance = contrast @ (positives / m + negatives / n) @ contrast
    return kernels[0].mean() - kernels[1].mean(), variance


@pytest.mark.parametrize("decimals", [None, 1])
@pytest.mark.parametrize("seed", range(5))
def test_equal_to_the_definition_over_all_pairs(make_predictions, seed, decimals):
    first, second = pair(make_predictions, seed, decimals)
    found = delong(first, second)
    difference, variance = by_pairs(first, second)
    assert found.difference.value == pytest.approx(difference, abs=1e-12)
    assert found.standard_error == pytest.approx(np.sqrt(variance))
    z = difference / np.sqrt(variance)
    assert found.p_value == pytest.approx(2 * norm.cdf(-abs(z)))
    ends = difference + np.array([-1, 1]) * norm.ppf(0.975) * np.sqrt(variance)
    assert (found.difference.low, found.difference.high) == pytest.approx(tuple(ends))
    sees = (norm.ppf(0.975) + norm.ppf(0.8)) * np.sqrt(variance)
    assert found.detectable == pytest.approx(sees)
    of_ten = (norm.ppf(1 - 0.05 / 20) + norm.ppf(0.8)) * np.sqrt(variance)
    assert found.detectable_in_family(10) == pytest.approx(of_ten)


@pytest.mark.parametrize("decimals", [None, 1])
def test_equal_to_mlstatkit(make_predictions, decimals):
    first, second = pair(make_predictions, 11, decimals)
    scores = (said.probabilities[:, 1] for said in (second, first))
    z, p, *_ = Delong_test(first.labels, *scores, return_ci=False, return_auc=False)
    found = delong(first, second)
    assert found.p_value == pytest.approx(p)
    assert found.difference.value / found.standard_error == pytest.approx(z)


def test_components_average_to_the_auc(make_predictions):
    said = make_predictions(3, decimals=1)
    score, positive = said.probabilities[:, 1], said.labels == 1
    for component in structural_components(score, positive):
        assert component.mean() == pytest.approx(roc_auc_score(positive, score))


def test_interval_covers_and_rejects_as_often_as_it_says(make_predictions):
    """Two models of equal merit: the truth is 0. Bounds of four binomial standard errors."""
    trials, rng = 600, np.random.default_rng(0)
    labels = np.repeat([0, 1], [60, 40])
    ids = np.arange(100).astype(str)
    misses = 0
    for _ in range(trials):
        shared = labels + rng.normal(size=100)
        said = []
        for _ in range(2):
            p = norm.cdf(shared + 0.7 * rng.normal(size=100))
            said.append(Predictions(ids, ids, labels, np.stack([1 - p, p], 1), ("a", "b")))
        found = delong(*said)
        assert (found.p_value < 0.05) == (found.difference.low > 0 or found.difference.high < 0)
        misses += found.p_value < 0.05
    assert abs(misses / trials - 0.05) < 4 * np.sqrt(0.05 * 0.95 / trials)


def test_a_model_does_not_differ_from_itself(make_predictions):
    said = make_predictions(4)
    found = delong(said, said)
    assert (found.difference.value, found.difference.low, found.difference.high) == (0, 0, 0)
    assert (found.standard_error, found.p_value, found.detectable) == (0.0, 1.0, 0.0)


def test_no_interval_where_nothing_can_vary(make_predictions):
    said = make_predictions(4)
    right = np.stack([1.0 - said.labels, said.labels], axis=1)
    found = delong(replace(said, probabilities=right), replace(said, probabilities=1 - right))
    assert found.difference.value == 1.0
    assert found.difference.low is None
    assert np.isnan([found.p_value, found.detectable]).all()


def test_what_cannot_be_compared_is_refused(make_predictions):
    three = make_predictions(5, counts=(9, 8, 7))
    with pytest.raises(InputError, match="two classes, not of 3; use the paired bootstrap"):
        delong(three, three)
    lone = make_predictions(5, counts=(9, 1))
    with pytest.raises(InputError, match="at least two images of each class, found 9 of a and 1"):
        delong(lone, lone)
    said = make_predictions(5)
    with pytest.raises(InputError, match="differ in image ids"):
        delong(said, replace(said, image_ids=said.image_ids[::-1]))
