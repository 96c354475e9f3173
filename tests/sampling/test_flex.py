"""Flexible sampling: anchors, and a pool that grows with difficulty."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from imbalance_derm.sampling.contract import SamplingContext
from imbalance_derm.sampling.flex import Flex

LABELS = np.repeat([0, 1, 2], [700, 250, 50])
CONTEXT = SamplingContext(LABELS, classes=3)


def pool(context, seed=0, **parameters):
    """The rows of a pass; none is fed twice."""
    rows = Flex(**parameters).order(context, np.random.default_rng(seed)).tolist()
    assert len(set(rows)) == len(rows)
    return set(rows)


def sizes(context, **parameters):
    rows = sorted(pool(context, **parameters))
    return np.bincount(context.labels[rows], minlength=context.classes).tolist()


@pytest.mark.parametrize(
    ("counts", "scaling", "anchors"),
    [
        # HAM10000: nothing above a tenth of the 6705 nevi
        ((327, 514, 1099, 115, 1113, 6705, 142), 0.1, [327, 514, 670, 115, 670, 670, 142]),
        ((700, 250, 50), 0.1, [70, 70, 50]),
        ((700, 250, 50), 0.5, [350, 250, 50]),
        ((700, 250, 50), 1.0, [700, 250, 50]),
        ((727, 173), 0.1, [173, 173]),  # the ratio does not fall below 1
        ((20, 0, 10), 0.1, [10, 0, 10]),
        ((7,), 0.1, [7]),
    ],
)
@pytest.mark.parametrize("progress", [0.0, 0.3])
def test_the_warmup_feeds_anchors_only(counts, scaling, anchors, progress):
    labels = np.repeat(np.arange(len(counts)), counts)
    accuracy = np.linspace(0.2, 0.9, len(counts))
    context = SamplingContext(labels, len(counts), progress, accuracy)
    assert sizes(context, scaling=scaling) == anchors


def test_the_pool_grows_as_worked_out_by_hand():
    """Half of the time after the warm-up; 1 - accuracy is 0.1, 0.5 and, not fed yet, 1."""
    accuracy = np.array([0.9, 0.5, np.nan])
    context = replace(CONTEXT, progress=0.65, class_accuracy=accuracy)
    shares = [0.5 * 3 * d / 1.6 for d in (0.1, 0.5, 1.0)]  # 0.094, 0.469 and 0.938
    assert sizes(context) == [70 + round(shares[0] * 630), 70 + round(shares[1] * 180), 50]
    assert sizes(context) == [129, 154, 50]
    # Of a budget without warm-up 0.65 are spent: 1.2 times the rest of the third class is all.
    assert sizes(context, warmup=0.0, scaling=0.01) == [
        50 + round(0.65 * 3 * 0.1 / 1.6 * 650),
        50 + round(0.65 * 3 * 0.5 / 1.6 * 200),
        50,
    ]


@pytest.mark.parametrize("accuracy", [None, [0.4] * 3, [1.0] * 3, [0.0] * 3, [np.nan] * 3])
def test_equally_hard_classes_grow_evenly_to_every_row(accuracy):
    known = None if accuracy is None else np.array(accuracy)
    half = replace(CONTEXT, progress=0.65, class_accuracy=known)
    assert sizes(half) == [70 + 315, 70 + 90, 50]
    assert pool(replace(half, progress=1.0)) == set(range(1000))


def test_a_harder_class_gets_more_rows_and_the_others_fewer():
    context = replace(CONTEXT, progress=0.7)
    before = sizes(replace(context, class_accuracy=np.array([0.8, 0.6, 0.7])))
    after = sizes(replace(context, class_accuracy=np.array([0.8, 0.4, 0.7])))
    assert after[1] > before[1]
    assert after[0] < before[0]


@pytest.mark.parametrize("space", ["image", "embedding"])
def test_a_class_takes_in_rows_in_one_order_whatever_the_pass(space, clouds):
    labels, samples = clouds((300, 90, 20))
    accuracy = np.array([0.7, 0.4, 0.5])
    pools = [
        pool(
            SamplingContext(
                labels, 3, progress, accuracy, samples if space == "embedding" else None
            ),
            seed=seed,
        )
        for seed, progress in enumerate([0.0, 0.4, 0.6, 0.8, 1.0])
    ]
    for smaller, larger in pairwise(pools):
        assert smaller < larger


def test_anchors_of_embeddings_are_those_nearest_to_the_mean_of_their_class(clouds):
    labels, samples = clouds((300, 90, 20))
    chosen = pool(SamplingContext(labels, 3, samples=samples))
    for label in range(3):
        members = np.flatnonzero(labels == label)
        mean = samples[members].astype(np.float64).sum(axis=0) / len(members)
        squared = ((samples[members] - mean) ** 2).sum(axis=1)
        inside = np.isin(members, list(chosen))
        assert inside.sum() == min(30, len(members))
        assert inside.all() or squared[inside].max() < squared[~inside].min()


def test_anchors_of_images_are_spread_evenly_over_their_class():
    """Of every stretch of a class about as many as of any other."""
    rows = np.array(sorted(pool(CONTEXT)))
    firsts = rows[LABELS[rows] == 0]
    assert len(firsts) == 70
    in_stretch = np.histogram(firsts, bins=7, range=(0, 700))[0]
    assert in_stretch.min() >= 9
    assert in_stretch.max() <= 11
