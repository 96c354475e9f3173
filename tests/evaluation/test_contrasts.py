"""Weighted sums of methods' figures: what they add up to, and evidence that is shared."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from imbalance_derm.errors import InputError
from imbalance_derm.evaluation.decision import ARGMAX
from imbalance_derm.evaluation.over_seeds import contrasts_over_seeds, paired_over_seeds
from imbalance_derm.evaluation.predictions import Predictions

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
    found = compare(methods, "brier", ours={"b": 1, "a": -1}, theirs={"a": 1, "b": -1})
    assert found["ours"] == paired_over_seeds(*methods["b"], *methods["a"], ["brier"], 300)["brier"]
    ours, theirs = found["ours"].difference, found["theirs"].difference
    assert (ours.value, ours.low, ours.high) == pytest.approx(
        (-theirs.value, -theirs.high, -theirs.low)
    )


def test_the_same_pair_again_is_no_more_evidence(methods):
    """Methods share their lesions and seeds; as independent ones they would halve the variance."""
    twins = methods | {"a2": methods["a"], "b2": methods["b"]}
    found = compare(
        twins, once={"b": 1, "a": -1}, twice={"b": 0.5, "b2": 0.5, "a": -0.5, "a2": -0.5}
    )
    once, twice = found["once"], found["twice"]
    assert twice.lesion_error == pytest.approx(once.lesion_error)
    assert twice.seed_error == pytest.approx(once.seed_error)
    assert twice.difference.low == pytest.approx(once.difference.low)


def test_a_metric_that_is_not_known_is_named_beside_those_that_are(methods):
    with pytest.raises(InputError, match="unknown metric 'area'; these models have auc, "):
        compare(methods, "area", one={"a": 1.0})
