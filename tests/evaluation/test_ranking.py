"""Ranking metrics against scikit-learn, with resamples expressed as its sample weights."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve
from torchmetrics.functional.classification import (
    binary_sensitivity_at_specificity,
    binary_specificity_at_sensitivity,
)

from imbalance_derm.evaluation import ranking


def _case(seed: int, levels: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores on few levels, so heavily tied; weights of a bootstrap, zeros included."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(8, 60))
    positive = rng.random(n) < 0.3
    positive[:2] = True, False
    scores = rng.integers(levels, size=n) / levels + 0.2 * positive * rng.integers(2, size=n)
    weights = rng.multinomial(n, np.full(n, 1 / n), size=5).astype(float)
    weights[:, :2] += 1
    return scores, positive, weights


@pytest.mark.parametrize("levels", [1, 2, 5, 1_000_000])
@pytest.mark.parametrize("seed", range(8))
def test_auc_and_average_precision_equal_sklearn(seed: int, levels: int) -> None:
    scores, positive, weights = _case(seed, levels)
    at = ranking.thresholds(scores, positive, weights)
    expected_auc = [roc_auc_score(positive, scores, sample_weight=w) for w in weights]
    expected_ap = [average_precision_score(positive, scores, sample_weight=w) for w in weights]
    np.testing.assert_allclose(ranking.auc(at), expected_auc, rtol=1e-12)
    np.testing.assert_allclose(ranking.average_precision(at), expected_ap, rtol=1e-12)


@pytest.mark.parametrize("rate", [0.5, 0.8, 0.95, 1.0])
@pytest.mark.parametrize("levels", [2, 5, 1_000_000])
@pytest.mark.parametrize("seed", range(5))
def test_operating_points_equal_a_search_of_sklearns_roc_curve(
    seed: int, levels: int, rate: float
) -> None:
    scores, positive, weights = _case(seed, levels)
    at = ranking.thresholds(scores, positive, weights)
    for row, weight in enumerate(weights):
        fpr, tpr, _ = roc_curve(positive, scores, sample_weight=weight, drop_intermediate=False)
        sensitivity = tpr[1 - fpr >= rate - 1e-9].max()
        specificity = (1 - fpr)[tpr >= rate - 1e-9].max()
        assert ranking.sensitivity_at_specificity(at, rate)[row] == pytest.approx(sensitivity)
        assert ranking.specificity_at_sensitivity(at, rate)[row] == pytest.approx(specificity)


@pytest.mark.parametrize("seed", range(5))
def test_operating_points_equal_torchmetrics(seed: int) -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    positive = np.arange(400) < 90
    scores = np.clip(0.5 + 0.15 * rng.normal(size=400) + 0.1 * positive, 0.001, 0.999)
    at = ranking.thresholds(scores, positive, np.ones((1, 400)))
    p, y = torch.from_numpy(scores), torch.from_numpy(positive.astype(int))
    sensitivity, _ = binary_sensitivity_at_specificity(p, y, min_specificity=0.95)
    specificity, _ = binary_specificity_at_sensitivity(p, y, min_sensitivity=0.95)
    assert ranking.sensitivity_at_specificity(at, 0.95)[0] == pytest.approx(float(sensitivity))
    assert ranking.specificity_at_sensitivity(at, 0.95)[0] == pytest.approx(float(specificity))


def test_one_false_positive_in_twenty_is_a_specificity_of_95_percent() -> None:
    """0.05 * 20 is not 1 in floating point; the operating point must not hang on that."""
    for negatives in (20, 40, 60, 100, 120, 140, 180, 1000):
        allowed = negatives // 20
        scores = np.concatenate([np.full(allowed, 3.0), [2.0], np.full(negatives - allowed, 1.0)])
        positive = np.zeros(negatives + 1, dtype=bool)
        positive[allowed] = True
        at = ranking.thresholds(scores, positive, np.ones((1, negatives + 1)))
        assert ranking.sensitivity_at_specificity(at, 0.95)[0] == 1.0


@settings(deadline=None)
@given(
    scores=hnp.arrays(np.float64, 12, elements=st.integers(0, 4).map(float)),
    positive=hnp.arrays(np.bool_, 12),
    weights=hnp.arrays(np.int64, (1, 12), elements=st.integers(0, 3)),
)
def test_weighting_an_image_is_repeating_it(
    scores: np.ndarray, positive: np.ndarray, weights: np.ndarray
) -> None:
    repeated = np.repeat(np.arange(12), weights[0])
    assume(0 < positive[repeated].sum() < len(repeated))
    weighted = ranking.thresholds(scores, positive, weights.astype(float))
    plain = ranking.thresholds(scores[repeated], positive[repeated], np.ones((1, len(repeated))))
    # Mann and Whitney's definition, pair by pair.
    above = scores[repeated][positive[repeated]][:, None]
    below = scores[repeated][~positive[repeated]][None, :]
    pairs = ((above > below) + 0.5 * (above == below)).mean()
    assert ranking.auc(weighted)[0] == pytest.approx(pairs)
    for metric in (
        ranking.average_precision,
        lambda at: ranking.sensitivity_at_specificity(at, 0.8),
        lambda at: ranking.specificity_at_sensitivity(at, 0.8),
    ):
        assert metric(weighted)[0] == pytest.approx(metric(plain)[0])


def test_resample_without_positives_or_negatives_is_nan() -> None:
    scores, positive = np.array([0.9, 0.4, 0.1]), np.array([True, False, False])
    weights = np.array([[0.0, 2.0, 1.0], [3.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    at = ranking.thresholds(scores, positive, weights)
    for figures in (
        ranking.auc(at),
        ranking.sensitivity_at_specificity(at, 0.95),
        ranking.specificity_at_sensitivity(at, 0.95),
    ):
        assert np.isnan(figures).tolist() == [True, True, False]
    assert np.isnan(ranking.average_precision(at)).tolist() == [True, False, False]
