"""Samplers: observed class frequencies against the stated distribution."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chisquare

from imbalance_derm.registry.manager import installed
from imbalance_derm.registry.parameters import create
from imbalance_derm.sampling.class_balanced import ClassBalanced
from imbalance_derm.sampling.contract import SamplingContext
from imbalance_derm.sampling.shuffle import Shuffle

LABELS = np.repeat([0, 1, 2], [700, 250, 50])
CONTEXT = SamplingContext(LABELS, classes=3)


@pytest.mark.parametrize("name", installed().names("sampler"))
def test_conformance(name):
    sampler = create("sampler", name)
    before = LABELS.copy()
    rows = sampler.order(CONTEXT, np.random.default_rng(1))
    assert rows.dtype == np.int64
    assert len(rows) > 0
    assert rows.min() >= 0
    assert rows.max() < len(LABELS)
    assert np.array_equal(rows, sampler.order(CONTEXT, np.random.default_rng(1)))
    assert not np.array_equal(rows, sampler.order(CONTEXT, np.random.default_rng(2)))
    assert np.array_equal(LABELS, before)


def test_shuffle_is_a_permutation():
    rows = Shuffle().order(CONTEXT, np.random.default_rng(0))
    assert np.array_equal(np.sort(rows), np.arange(len(LABELS)))


def test_class_balanced_draws_classes_uniformly_and_members_evenly():
    rng = np.random.default_rng(0)
    rows = np.concatenate([ClassBalanced().order(CONTEXT, rng) for _ in range(20)])
    assert chisquare(np.bincount(LABELS[rows])).pvalue > 0.01
    first = ClassBalanced().order(CONTEXT, np.random.default_rng(5))
    rare = np.bincount(first[LABELS[first] == 2], minlength=1000)[950:]
    assert rare.max() - rare.min() <= 1


def test_class_balanced_leaves_out_a_class_without_members():
    labels = np.array([0, 0, 2])
    rows = ClassBalanced().order(SamplingContext(labels, 4), np.random.default_rng(0))
    assert set(rows) <= {0, 1, 2}
