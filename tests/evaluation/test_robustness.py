"""Figures under corruption against plain means of separately computed ones."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from imbalance_derm.errors import RunError
from imbalance_derm.evaluation.decision import ARGMAX
from imbalance_derm.evaluation.predictions import Predictions
from imbalance_derm.evaluation.robustness import robustness


def said(rng, signal, n=80):
    ids, labels = np.array([f"i{k}" for k in range(n)]), np.arange(n) % 4 // 3
    lesions = np.array([f"l{k // 2}" for k in range(n)])
    p = 1 / (1 + np.exp(-rng.normal(size=n) - signal * (labels - 0.5)))
    return Predictions(ids, lesions, labels, np.stack([1 - p, p], 1), ("benign", "malignant"))


def test_means_equal_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    clean = said(rng, 3.0)
    corrupted = {name: [said(rng, s) for s in (2.5, 1.5, 0.5)] for name in ("blur", "jpeg")}
    found = robustness(clean, corrupted, ARGMAX, ["balanced_accuracy", "auc"], resamples=200)
    auc = {
        name: [roc_auc_score(s.labels, s.probabilities[:, 1]) for s in severities]
        for name, severities in corrupted.items()
    }
    assert found["auc"].by_severity == {name: pytest.approx(v) for name, v in auc.items()}
    assert found["auc"].by_corruption["jpeg"].value == pytest.approx(np.mean(auc["jpeg"]))
    assert found["auc"].mean.value == pytest.approx(np.mean(list(auc.values())))
    assert found["auc"].clean.value == pytest.approx(
        roc_auc_score(clean.labels, clean.probabilities[:, 1])
    )
    accuracy = [
        balanced_accuracy_score(s.labels, s.probabilities.argmax(axis=1))
        for severities in corrupted.values()
        for s in severities
    ]
    mean = found["balanced_accuracy"].mean
    assert mean.value == pytest.approx(np.mean(accuracy))
    assert mean.low < mean.value < mean.high
    one = found["balanced_accuracy"].by_corruption["blur"]
    assert one.high - one.low > mean.high - mean.low  # a mean over more conditions is steadier


def test_a_model_that_diverged_is_named():
    rng = np.random.default_rng(1)
    clean, broken = said(rng, 1.0), said(rng, 1.0)
    broken.probabilities[0] = np.nan
    with pytest.raises(RunError, match="not finite"):
        robustness(clean, {"blur": [broken]}, ARGMAX, ["auc"])
