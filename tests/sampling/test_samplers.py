"""Samplers: the contract of all, and the class frequencies of those that draw classes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chisquare

from imbalance_derm.errors import InputError
from imbalance_derm.registry.manager import installed
from imbalance_derm.registry.parameters import create
from imbalance_derm.sampling.class_balanced import ClassBalanced
from imbalance_derm.sampling.contract import SamplingContext
from imbalance_derm.sampling.decks import deal
from imbalance_derm.sampling.shuffle import Shuffle

LABELS = np.repeat([0, 1, 2], [700, 250, 50])
CONTEXT = SamplingContext(LABELS, classes=3)
COUNTS = {
    "one class": (30,),
    "two": (50, 9),
    "eight": (40, 30, 20, 12, 9, 8, 7, 6),
    "an empty class": (30, 0, 12, 5),
}


@pytest.mark.parametrize("space", ["image", "embedding"])
@pytest.mark.parametrize("counts", COUNTS.values(), ids=COUNTS)
@pytest.mark.parametrize("name", installed().names("sampler"))
def test_conformance(name, counts, space, clouds):
    labels, samples = clouds(counts)
    unfed = np.array([number == 0 or label == 0 for label, number in enumerate(counts)])
    some = np.where(unfed, np.nan, np.linspace(0, 1, len(counts)))
    for progress in (0.0, 0.6, 1.0):
        for accuracy in (None, some, np.where(unfed, np.nan, 1.0), np.ones(len(counts))):
            embeddings = samples if space == "embedding" else None
            check(name, SamplingContext(labels, len(counts), progress, accuracy, embeddings))


def check(name, context):
    """What holds for every sampler and context."""
    given = (context.labels, context.class_accuracy, context.samples)
    before = [None if value is None else value.copy() for value in given]
    sampler = create("sampler", name)
    rows = sampler.order(context, np.random.default_rng(1))
    assert rows.dtype == np.int64
    assert rows.ndim == 1
    assert len(rows) > 0
    assert rows.min() >= 0
    assert rows.max() < len(context.labels)
    assert set(context.labels[rows]) == set(context.labels)
    assert np.array_equal(rows, sampler.order(context, np.random.default_rng(1)))
    fresh = create("sampler", name).order(context, np.random.default_rng(1))
    assert np.array_equal(rows, fresh)
    another = sampler.order(replace(context, seed=2), np.random.default_rng(2))
    assert not np.array_equal(rows, another)
    for value, copy in zip(given, before, strict=True):
        assert copy is None or np.array_equal(value, copy, equal_nan=True)


def test_shuffle_is_a_permutation():
    rows = Shuffle().order(CONTEXT, np.random.default_rng(0))
    assert np.array_equal(np.sort(rows), np.arange(len(LABELS)))


def test_in_order_repeats_one_permutation_of_real_and_synthetic_rows():
    sampler = create("sampler", "in_order")
    context = replace(CONTEXT, seed=4)
    passes = [sampler.order(context, np.random.default_rng([4, n])) for n in range(3)]
    assert all(np.array_equal(each, passes[0]) for each in passes)
    assert np.array_equal(np.sort(passes[0]), np.arange(len(LABELS)))
    # Synthetic rows come last in a pool: mixed, the last hundred rows are spread evenly.
    places = np.flatnonzero(passes[0] >= len(LABELS) - 100)
    assert 400 < places.mean() < 600
    assert not np.array_equal(np.diff(places), np.ones(99))
    other = sampler.order(replace(context, seed=5), np.random.default_rng([4, 0]))
    assert not np.array_equal(other, passes[0])


# Name, parameters, progress, and what the class probabilities are in proportion to.
DRAWN = {
    "class_balanced": ("class_balanced", {}, 0.0, [1, 1, 1]),
    "sqrt": ("sqrt", {}, 0.0, [700**0.5, 250**0.5, 50**0.5]),
    "q 0": ("sqrt", {"q": 0.0}, 0.0, [1, 1, 1]),
    "q 0.8": ("sqrt", {"q": 0.8}, 0.0, [700**0.8, 250**0.8, 50**0.8]),
    "q 1": ("sqrt", {"q": 1.0}, 0.0, [700, 250, 50]),
    "progress 0": ("progressively_balanced", {}, 0.0, [0.7, 0.25, 0.05]),
    "progress 0.3": (
        "progressively_balanced",
        {},
        0.3,
        [0.7 * 0.7 + 0.3 / 3, 0.7 * 0.25 + 0.3 / 3, 0.7 * 0.05 + 0.3 / 3],
    ),
    "progress 1": ("progressively_balanced", {}, 1.0, [1, 1, 1]),
    "reversed": ("reversed", {}, 0.0, [1 / 700, 1 / 250, 1 / 50]),
    "beta 0": ("effective_number", {"beta": 0.0}, 0.0, [700, 250, 50]),
    "beta 0.99": (
        "effective_number",
        {"beta": 0.99},
        0.0,
        [700 / (1 - 0.99**700), 250 / (1 - 0.99**250), 50 / (1 - 0.99**50)],
    ),
    "beta near 1": ("effective_number", {"beta": 1 - 1e-9}, 0.0, [1, 1, 1]),
}


@pytest.mark.parametrize(("name", "values", "progress", "weights"), DRAWN.values(), ids=DRAWN)
def test_classes_are_drawn_as_stated(name, values, progress, weights):
    sampler, rng = create("sampler", name, values), np.random.default_rng(0)
    context = replace(CONTEXT, progress=progress)
    rows = np.concatenate([sampler.order(context, rng) for _ in range(40)])
    assert len(rows) == 40 * len(LABELS)
    found, shares = np.bincount(LABELS[rows]), np.array(weights) / np.sum(weights)
    assert chisquare(found, shares * len(rows)).pvalue > 0.01
    # The test would see a probability that is a hundredth off.
    for other in range(3):
        moved = np.clip(shares + np.where(np.arange(3) == other, 0.01, -0.005), 1e-3, 1)
        assert chisquare(found, moved / moved.sum() * len(rows)).pvalue < 0.05


@pytest.mark.parametrize(("name", "values", "progress", "weights"), DRAWN.values(), ids=DRAWN)
def test_the_rows_of_a_class_are_used_evenly_and_in_random_order(name, values, progress, weights):
    sampler, context = create("sampler", name, values), replace(CONTEXT, progress=progress)
    rows = sampler.order(context, np.random.default_rng(5))
    for label in range(3):
        drawn, members = rows[LABELS[rows] == label], np.flatnonzero(label == LABELS)
        used = np.bincount(drawn, minlength=len(LABELS))[members]
        assert used.max() - used.min() <= 1
        for start in range(0, len(drawn), len(members)):  # none comes back before all were there
            deck = drawn[start : start + len(members)]
            assert len(set(deck)) == len(deck)
        assert len(drawn) < 2 or not np.array_equal(drawn, np.sort(drawn))


def test_class_balanced_rows_do_not_change_from_version_to_version():
    """Recorded before the decks had a file of their own."""
    labels = np.array([0, 0, 0, 2, 0, 1, 0, 1, 0, 1, 0, 0])
    rows = ClassBalanced().order(SamplingContext(labels, 4), np.random.default_rng(7))
    assert rows.tolist() == [3, 9, 3, 3, 5, 3, 3, 4, 2, 11, 6, 3]


def test_dealing_gives_a_row_of_each_asked_class_and_touches_no_other():
    labels = np.array([1, 0, 1, 1, 2])
    drawn = np.array([1, 1, 0, 1, 1, 0, 1])
    rows = deal(labels, drawn, np.random.default_rng(0))
    assert np.array_equal(labels[rows], drawn)
    assert sorted(rows[drawn == 1][:3]) == [0, 2, 3]


@pytest.mark.parametrize("progress", [0.5, 1.0])
def test_balance_is_among_the_classes_that_have_rows(progress):
    """Two of five."""
    labels = np.array([3, 0, 0, 0, 0, 0, 0, 3])
    rng = np.random.default_rng(3)
    context = SamplingContext(labels, 5, progress)
    sampler = create("sampler", "progressively_balanced")
    rows = np.concatenate([sampler.order(context, rng) for _ in range(1000)])
    found = np.bincount(labels[rows], minlength=5)
    assert found[[1, 2, 4]].tolist() == [0, 0, 0]
    rare = (1 - progress) * 2 / 8 + progress / 2
    assert chisquare(found[[0, 3]], np.array([1 - rare, rare]) * len(rows)).pvalue > 0.01


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("sqrt", {"q": 1.1}),
        ("sqrt", {"q": -0.1}),
        ("effective_number", {"beta": 1.0}),
        ("repeat_factor", {"threshold": 0.0}),
        ("flex", {"warmup": 1.0}),
        ("flex", {"scaling": 0.0}),
        ("undersample", {"method": "some"}),
    ],
)
def test_values_out_of_range_are_refused(name, values):
    with pytest.raises(InputError, match=f"sampler.{next(iter(values))}"):
        create("sampler", name, values)
