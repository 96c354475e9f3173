"""Repeat factor sampling: every row floor(r) or ceil(r) times, r in the mean."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binomtest

from imbalance_derm.sampling.contract import SamplingContext
from imbalance_derm.sampling.repeat_factor import RepeatFactor

COUNTS = (700, 250, 50)
LABELS = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], COUNTS))
CONTEXT = SamplingContext(LABELS, classes=3)


@pytest.mark.parametrize("threshold", ["auto", 0.1, 0.4, 1.0])
def test_rows_are_repeated_as_often_as_stated(threshold):
    t = 1 / 3 if threshold == "auto" else threshold
    rng, passes = np.random.default_rng(0), 40
    sampler = RepeatFactor(threshold=threshold)
    times = np.stack(
        [np.bincount(sampler.order(CONTEXT, rng), minlength=1000) for _ in range(passes)]
    )
    for label, count in enumerate(COUNTS):
        factor = max(1.0, math.sqrt(t / (count / 1000)))
        whole, more = math.floor(factor), factor - math.floor(factor)
        of_class = times[:, np.flatnonzero(label == LABELS)]
        assert set(np.unique(of_class)) <= ({whole, whole + 1} if more else {whole})
        extra = int((of_class - whole).sum())
        assert extra == 0 or binomtest(extra, of_class.size, more).pvalue > 0.01
        if more:  # rounded for each row and pass anew
            assert len({tuple(row) for row in of_class}) == passes
            assert of_class.std(axis=1).min() > 0


def test_a_factor_by_hand():
    """Four rows of 64 at a threshold of 1/4: sqrt(0.25 / 0.0625) = 2, without any rounding."""
    labels = np.array([0] * 60 + [1] * 4)
    rows = RepeatFactor(threshold=0.25).order(SamplingContext(labels, 2), np.random.default_rng(0))
    assert np.bincount(rows).tolist() == [1] * 60 + [2] * 4


@pytest.mark.parametrize(
    ("counts", "threshold"), [(COUNTS, 0.05), (COUNTS, 1e-3), ((9, 9), "auto")]
)
def test_where_no_class_is_below_the_threshold_a_pass_is_a_permutation(counts, threshold):
    labels = np.repeat(np.arange(len(counts)), counts)
    context = SamplingContext(labels, len(counts))
    rows = RepeatFactor(threshold=threshold).order(context, np.random.default_rng(0))
    assert np.array_equal(np.sort(rows), np.arange(len(labels)))
    assert not np.array_equal(rows, np.arange(len(labels)))
