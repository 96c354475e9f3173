"""Calibration metrics against scikit-learn, torchmetrics and hand-counted bins."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import brier_score_loss
from torchmetrics.functional.classification import multiclass_calibration_error

from imbalance_derm.evaluation import calibration


def _case(seed: int, classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.full(classes, 0.6), size=150)
    labels = np.concatenate([np.arange(classes), rng.integers(classes, size=150 - classes)])
    return probabilities, labels, rng.integers(0, 3, size=(4, 150)).astype(float)


@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("seed", range(4))
def test_brier_equals_sklearn(seed: int, classes: int) -> None:
    probabilities, labels, weights = _case(seed, classes)
    said = probabilities[:, 1] if classes == 2 else probabilities
    expected = [brier_score_loss(labels, said, sample_weight=weight) for weight in weights]
    np.testing.assert_allclose(calibration.brier(probabilities, labels, weights), expected)


@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("seed", range(4))
def test_expected_calibration_error_equals_torchmetrics(seed: int, classes: int) -> None:
    probabilities, labels, weights = _case(seed, classes)
    for weight in weights:
        rows = np.repeat(np.arange(150), weight.astype(int))
        expected = multiclass_calibration_error(
            torch.from_numpy(probabilities[rows]),
            torch.from_numpy(labels[rows]),
            num_classes=classes,
            n_bins=15,
            norm="l1",
        )
        found = calibration.expected_calibration_error(probabilities, labels, weight[None])
        assert found[0] == pytest.approx(float(expected), abs=1e-6)


def test_reliability_adds_up_to_the_calibration_error() -> None:
    probabilities, labels, _ = _case(0, 3)
    diagram = calibration.reliability(probabilities, labels)
    full = diagram.counts > 0
    gaps = np.abs(diagram.accuracy - diagram.confidence)[full] * diagram.counts[full]
    found = calibration.expected_calibration_error(probabilities, labels, np.ones((1, 150)))
    assert gaps.sum() / 150 == pytest.approx(found[0])
    assert ((diagram.edges[:-1] < diagram.confidence) | ~full).all()
    assert ((diagram.confidence <= diagram.edges[1:]) | ~full).all()


def test_a_bin_holds_its_upper_edge() -> None:
    probabilities = np.array([[0.6, 0.4], [0.0, 1.0], [0.6 + 1e-9, 0.4 - 1e-9]])
    diagram = calibration.reliability(probabilities, np.array([0, 1, 1]))
    assert diagram.counts[[8, 9, 14]].tolist() == [1, 1, 1]  # 0.6 = 9 / 15 ends the ninth bin
