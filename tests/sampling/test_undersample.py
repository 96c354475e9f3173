"""Undersampling: what imbalanced-learn itself keeps of the same arrays."""

from __future__ import annotations

from typing import get_args, get_type_hints

import numpy as np
import pytest
from imblearn import under_sampling

from imbalance_derm.errors import InputError
from imbalance_derm.registry.parameters import create
from imbalance_derm.sampling.contract import SamplingContext
from imbalance_derm.sampling.undersample import Undersample

METHODS = {
    "near_miss": lambda seed: under_sampling.NearMiss(),
    "tomek_links": lambda seed: under_sampling.TomekLinks(),
    "edited_nearest_neighbours": lambda seed: under_sampling.EditedNearestNeighbours(),
    "all_knn": lambda seed: under_sampling.AllKNN(),
    "neighbourhood_cleaning_rule": lambda seed: under_sampling.NeighbourhoodCleaningRule(),
    "one_sided_selection": lambda seed: under_sampling.OneSidedSelection(random_state=seed),
}
COUNTS = (60, 30, 12)


def test_all_methods_are_tested():
    named = get_type_hints(Undersample.__init__)["method"]
    assert set(get_args(named)) == {"random", *METHODS}


def order(method, context, seed=0):
    return Undersample(method=method).order(context, np.random.default_rng(seed))


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("method", METHODS)
def test_the_same_rows_as_imbalanced_learn_called_directly(method, seed, clouds):
    labels, samples = clouds(COUNTS, apart=1.0)
    context = SamplingContext(labels, 3, samples=samples)
    rows = order(method, context, seed)
    theirs = METHODS[method](int(np.random.default_rng(seed).integers(2**32)))
    theirs.fit_resample(samples, labels)
    assert np.array_equal(np.sort(rows), np.sort(theirs.sample_indices_))
    assert not np.array_equal(rows, np.sort(rows))
    assert len(rows) < len(labels)
    assert np.sum(labels[rows] == 2) == 12


def test_random_is_imbalanced_learns_for_a_seed_and_anew_in_each_pass():
    labels = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], COUNTS))
    context, sampler = SamplingContext(labels, 3), Undersample()
    rng, mirrored = np.random.default_rng(4), np.random.default_rng(4)
    passes = []
    for _ in range(300):
        rows = sampler.order(context, rng)
        theirs = under_sampling.RandomUnderSampler(random_state=int(mirrored.integers(2**32)))
        theirs.fit_resample(labels[:, None], labels)
        assert np.array_equal(np.sort(rows), np.sort(theirs.sample_indices_))
        mirrored.permutation(theirs.sample_indices_)
        assert np.bincount(labels[rows]).tolist() == [12, 12, 12]
        passes.append(rows)
    # Every row of the frequent classes has its turn.
    used = np.bincount(np.concatenate(passes), minlength=len(labels))
    for label, count in enumerate(COUNTS):
        expected = 300 * 12 / count
        assert np.abs(used[labels == label] - expected).max() < 5 * expected**0.5


def test_random_needs_no_embeddings_and_does_not_look_at_them(clouds):
    labels, samples = clouds(COUNTS)
    rows = order("random", SamplingContext(labels, 3))
    assert np.array_equal(rows, order("random", SamplingContext(labels, 3, samples=samples)))


@pytest.mark.parametrize("method", METHODS)
def test_images_are_refused_in_one_line(method, clouds):
    labels, _ = clouds(COUNTS)
    with pytest.raises(InputError, match=r"backbone\.frozen=true") as error:
        order(method, SamplingContext(labels, 3))
    assert "\n" not in str(error.value)
    assert f"undersample/{method}" in str(error.value)


@pytest.mark.parametrize("method", ["random", *METHODS])
def test_one_class_is_fed_whole(method, clouds):
    labels, samples = clouds((20,))
    rows = order(method, SamplingContext(labels, 1, samples=samples))
    assert np.array_equal(np.sort(rows), np.arange(20))


@pytest.mark.parametrize("method", ["random", *METHODS])
def test_eight_classes_of_which_one_has_no_rows(method, clouds):
    labels, samples = clouds((60, 40, 30, 20, 0, 20, 15, 10), dim=8)
    rows = order(method, SamplingContext(labels, 8, samples=samples))
    assert len(np.unique(rows)) == len(rows)
    assert set(labels[rows]) == {0, 1, 2, 3, 5, 6, 7}
    assert np.sum(labels[rows] == 7) == 10


def test_a_class_too_small_for_the_method_is_refused_with_imbalanced_learns_words(clouds):
    labels, samples = clouds((30, 2))
    with pytest.raises(InputError, match="NearMiss says 'Expected n_neighbors <=") as error:
        order("near_miss", SamplingContext(labels, 2, samples=samples))
    assert "\n" not in str(error.value)
    assert "--sampler undersample/random" in str(error.value)


def test_a_method_that_leaves_nothing_of_a_class_is_refused():
    """Four rows of class 1 among those of class 0, and class 2 far away is rarer still."""
    labels = np.array([0] * 40 + [1] * 4 + [2] * 3)
    samples = np.random.default_rng(0).normal(size=(47, 2)).astype(np.float32)
    samples[44:] += 100
    context = SamplingContext(labels, 3, samples=samples)
    theirs = under_sampling.EditedNearestNeighbours()
    assert 1 not in theirs.fit_resample(samples, labels)[1]
    with pytest.raises(InputError, match="none of the 4 training images of class 1"):
        order("edited_nearest_neighbours", context)


def test_what_is_remembered_is_remembered_for_the_same_rows_only(clouds, monkeypatch):
    calls = []
    fit_resample = under_sampling.TomekLinks.fit_resample

    def counted(self, *given):
        calls.append(self)
        return fit_resample(self, *given)

    monkeypatch.setattr(under_sampling.TomekLinks, "fit_resample", counted)
    sampler = Undersample(method="tomek_links")
    (labels, samples), (others, elsewhere) = (clouds(COUNTS, seed=s, apart=1.0) for s in (0, 1))
    contexts = [
        SamplingContext(labels, 3, samples=samples),
        SamplingContext(others, 3, samples=samples),
        SamplingContext(others, 3, samples=elsewhere),
    ]
    for context in contexts:
        for seed in range(3):
            rows = sampler.order(context, np.random.default_rng(seed))
            theirs = under_sampling.TomekLinks()
            fit_resample(theirs, context.samples, context.labels)
            assert np.array_equal(np.sort(rows), theirs.sample_indices_)
    assert len(calls) == len(contexts)


def test_the_shorthand_names_the_method():
    assert create("sampler", "undersample/all_knn").method == "all_knn"
    assert create("sampler", "undersample").method == "random"
