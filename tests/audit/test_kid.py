"""The kernel distance against loops, torchmetrics and closed forms; its interval by coverage."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import t as student
from torchmetrics.image.kid import poly_mmd

from imbalance_derm.audit.kid import Pairs, kernel_pairs, kid, squared_mmd

Sides = tuple[Pairs, Pairs, Pairs]


def _pairs(x: np.ndarray, y: np.ndarray, a: np.ndarray, b: np.ndarray) -> Sides:
    width = x.shape[1]
    return (
        kernel_pairs(x @ x.T, width, a[:, None] != a),
        kernel_pairs(x @ y.T, width, a[:, None] != b),
        kernel_pairs(y @ y.T, width, b[:, None] != b),
    )


def _loop(x: np.ndarray, y: np.ndarray, a: np.ndarray, b: np.ndarray) -> float:
    def mean(first: np.ndarray, second: np.ndarray, p: np.ndarray, q: np.ndarray) -> float:
        values = [
            (first[i] @ second[j] / first.shape[1] + 1) ** 3
            for i in range(len(first))
            for j in range(len(second))
            if p[i] != q[j]
        ]
        return float(np.mean(values))

    return mean(x, x, a, a) + mean(y, y, b, b) - 2 * mean(x, y, a, b)


def test_equals_torchmetrics_where_every_image_is_independent() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 7)), rng.normal(size=(30, 7)) + 0.4
    ours = squared_mmd(*_pairs(x, y, np.arange(30), 100 + np.arange(30)))
    # torchmetrics divides both sides by the size of the first: equal sizes only.
    assert ours == pytest.approx(float(poly_mmd(torch.tensor(x), torch.tensor(y))), rel=1e-10)


def test_equals_a_double_loop_over_pairs_of_different_groups() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(14, 5)), rng.normal(size=(11, 5))
    a, b = rng.integers(6, size=14), rng.integers(3, 9, size=11)
    assert squared_mmd(*_pairs(x, y, a, b)) == pytest.approx(_loop(x, y, a, b), rel=1e-10)


def test_jackknife_equals_leaving_groups_out_one_by_one() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(20, 4)), rng.normal(size=(16, 4)) + 1
    a, b = np.arange(20) // 2, 5 + np.arange(16) // 2
    found = kid(*_pairs(x, y, a, b), a, b)
    groups = np.unique(np.concatenate([a, b]))
    left = np.array([_loop(x[a != g], y[b != g], a[a != g], b[b != g]) for g in groups])
    error = np.sqrt((len(groups) - 1) * left.var())
    half = student.ppf(0.975, 8 - 1) * error
    assert found is not None
    assert found.value == pytest.approx(_loop(x, y, a, b))
    assert found.low == pytest.approx(found.value - half)
    assert found.high == pytest.approx(found.value + half)


def test_interval_covers_the_true_distance_and_respects_groups() -> None:
    # In one dimension E (XY + 1)^3 = a3 b3 + 3 a2 b2 + 3 a1 b1 + 1 of the moments; here of
    # uniform draws from mean - 1 to mean + 1.
    def moments(mean: float) -> tuple[float, float, float]:
        return mean, mean**2 + 1 / 3, mean**3 + mean

    def kernel(p: tuple[float, ...], q: tuple[float, ...]) -> float:
        return p[2] * q[2] + 3 * p[1] * q[1] + 3 * p[0] * q[0] + 1

    near, far = moments(0.0), moments(0.8)
    truth = kernel(near, near) + kernel(far, far) - 2 * kernel(near, far)
    rng = np.random.default_rng(3)
    covered = covered_naive = 0
    runs = 250
    for _ in range(runs):
        # Four photographs of a lesion that hardly differ: 40 lesions, not 160 images.
        x = np.repeat(rng.uniform(-1, 1, size=(40, 1)), 4, axis=0)
        y = np.repeat(rng.uniform(-0.2, 1.8, size=(40, 1)), 4, axis=0)
        a = np.repeat(np.arange(40), 4)
        grouped = kid(*_pairs(x, y, a, a + 40), a, a + 40)
        alone = np.arange(160)
        naive = kid(*_pairs(x, y, alone, alone + 160), alone, alone + 160)
        covered += grouped.low <= truth <= grouped.high
        covered_naive += naive.low <= truth <= naive.high
    assert 0.90 <= covered / runs <= 0.99
    assert covered_naive / runs < 0.80


def test_unbiased_for_copies_of_the_images_themselves() -> None:
    # Copies of draws are draws: without pairs of one lesion the mean distance is 0.
    rng = np.random.default_rng(4)
    groups = np.arange(12)
    found = []
    for _ in range(300):
        x = rng.normal(size=(12, 2))
        found.append(squared_mmd(*_pairs(x, x, groups, groups)))
    np.testing.assert_allclose(found, 0, atol=1e-12)


def test_no_interval_from_two_groups_and_no_figure_from_one() -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(6, 2))
    two, one, other = np.arange(6) // 3, np.zeros(6, int), 10 + np.arange(6)
    found = kid(*_pairs(x, x, two, other), two, other)
    assert found is not None
    assert found.low is None
    assert kid(*_pairs(x, x, one, other), one, other) is None
