"""The map keeps neighbours together, is repeatable, and bears few points."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from imbalance_derm.evaluation.embedding_map import embedding_map


def test_groups_stay_apart_and_the_seed_decides() -> None:
    rng = np.random.default_rng(0)
    group = np.repeat([0, 1, 2], 40)
    embeddings = rng.normal(size=(120, 200)).astype(np.float32)
    embeddings[:, :3] += 15 * np.eye(3)[group]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        points = embedding_map(embeddings, seed=1)
    assert points.shape == (120, 2)
    assert points.dtype == np.float32
    nearest = KNeighborsClassifier(5).fit(points[::2], group[::2])
    assert nearest.score(points[1::2], group[1::2]) > 0.95
    np.testing.assert_array_equal(points, embedding_map(embeddings, seed=1))
    assert not np.array_equal(points, embedding_map(embeddings, seed=2))


@pytest.mark.parametrize("count", [4, 5, 15, 16, 17])
def test_few_points_still_have_a_map(count: int) -> None:
    points = embedding_map(np.random.default_rng(0).normal(size=(count, 60)).astype(np.float32))
    assert points.shape == (count, 2)
    assert np.isfinite(points).all()


@pytest.mark.parametrize("count", [0, 1, 3])
def test_too_few_points_have_none(count: int) -> None:
    assert embedding_map(np.zeros((count, 8))) is None


def test_equal_points_do_not_break_it() -> None:
    three = np.random.default_rng(0).normal(size=(3, 20)).astype(np.float32)
    twice = np.repeat(three, 20, axis=0)
    assert np.isfinite(embedding_map(twice)).all()
