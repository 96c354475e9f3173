"""Precision, recall, density, coverage and the Frechet distance against other implementations."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from prdc import compute_prdc
from scipy.spatial.distance import cdist
from torchmetrics.image.fid import _compute_fid

from imbalance_derm.audit.frechet import frechet
from imbalance_derm.audit.neighbours import distances, prdc


@pytest.mark.parametrize("shift", [0.0, 0.7, 3.0])
def test_equals_the_authors_package(shift: float) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 3)), rng.normal(size=(45, 3)) * 0.8 + shift
    expected = compute_prdc(x, y, nearest_k=5)
    found = prdc(cdist(x, x), cdist(x, y), cdist(y, y), k=5)
    assert found == pytest.approx({name: float(value) for name, value in expected.items()})


def test_a_collapsed_generator_is_precise_and_covers_nothing() -> None:
    x = np.random.default_rng(1).normal(size=(80, 3))
    y = x[0] + 1e-3 * np.random.default_rng(2).normal(size=(80, 3))
    found = prdc(cdist(x, x), cdist(x, y), cdist(y, y))
    assert found["precision"] == 1.0
    assert found["recall"] <= 1 / 80
    assert found["coverage"] < 0.4


def test_distances_equal_scipy() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(9, 6)), rng.normal(size=(7, 6))
    found = distances(x @ y.T, (x**2).sum(axis=1), (y**2).sum(axis=1))
    np.testing.assert_allclose(found, cdist(x, y), rtol=1e-10)


def test_frechet_equals_torchmetrics() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=(200, 6)) @ rng.normal(size=(6, 6))
    y = rng.normal(size=(150, 6)) @ rng.normal(size=(6, 6)) + 0.5
    parts = [torch.tensor(part) for side in (x, y) for part in (side.mean(axis=0), np.cov(side.T))]
    assert frechet(x, y) == pytest.approx(float(_compute_fid(*parts)), rel=1e-8)


def test_frechet_of_gaussians_with_a_known_distance() -> None:
    # Whitened draws have mean 0 and covariance 1 exactly; N(m, S^2) is then |m|^2 + |1 - S|^2 away.
    rng = np.random.default_rng(5)
    draws = rng.normal(size=(300, 3))
    draws -= draws.mean(axis=0)
    white = draws @ np.linalg.inv(np.linalg.cholesky(np.cov(draws.T))).T
    scale, mean = np.array([1.0, 2.0, 0.5]), np.array([3.0, 0.0, -1.0])
    expected = np.sum(mean**2) + np.sum((1 - scale) ** 2)
    assert frechet(white, white * scale + mean) == pytest.approx(expected)
    assert frechet(white, white) == pytest.approx(0, abs=1e-9)
