from __future__ import annotations

import numpy as np
import pytest
from imblearn.over_sampling import SMOTE

from imbalance_derm.errors import InputError
from imbalance_derm.synth.parents import find_parents
from imbalance_derm.synth.smote import Smote


class RecordingSmote(SMOTE):
    """imbalanced-learn's SMOTE, which also keeps the pairs that it chose."""

    def _generate_samples(self, X, nn_data, nn_num, rows, cols, steps, y_type=None, y=None):
        self.pairs = np.stack([rows, nn_num[rows, cols]], axis=1)
        return super()._generate_samples(X, nn_data, nn_num, rows, cols, steps, y_type, y)


def _reference(points, labels, label, count, neighbors, seed):
    size = int(np.sum(labels == label))
    smote = RecordingSmote(
        sampling_strategy={label: size + count}, k_neighbors=neighbors, random_state=seed
    )
    return smote.fit_resample(points, labels)[0][len(points) :], smote.pairs


def _collect(synth, data, label, count, seed, context):
    chunks = list(synth.sample(data, label, count, seed, context))
    origins = [origin for chunk in chunks for origin in chunk.provenance]
    return np.concatenate([chunk.samples for chunk in chunks]), origins


@pytest.mark.parametrize("label", [1, 2])
def test_embedding_space_equals_imbalanced_learn(lesions, context, label):
    data = lesions((60, 25, 9), dim=12)
    expected, pairs = _reference(data.samples, data.labels, label, 100, 5, 7)
    samples, origins = _collect(Smote(), data, label, 100, 7, context)
    assert samples.dtype == np.float32
    np.testing.assert_array_equal(samples, expected)
    ids = data.image_ids[data.labels == label]
    assert [set(o.sources) for o in origins] == [set(ids[pair]) for pair in pairs]


def test_pixel_space_equals_imbalanced_learn_rounded(lesions, context):
    data = lesions((20, 8), size=8)
    flat = data.samples.reshape(28, -1).astype(np.float32)
    expected, pairs = _reference(flat, data.labels, 1, 70, 3, 2)
    samples, origins = _collect(Smote(space="pixel", k_neighbors=3), data, 1, 70, 2, context)
    assert samples.dtype == np.uint8
    np.testing.assert_array_equal(samples.reshape(70, -1), np.round(expected))
    ids = data.image_ids[data.labels == 1]
    assert [set(o.sources) for o in origins] == [set(ids[pair]) for pair in pairs]


def test_parents_in_a_low_dimension_agree_with_brute_force():
    rng = np.random.default_rng(0)
    members = rng.normal(size=(30, 6))
    pairs = rng.integers(0, 30, (50, 2))
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    step = rng.uniform(0.05, 0.45, (len(pairs), 1))
    made = members[pairs[:, 0]] + step * (members[pairs[:, 1]] - members[pairs[:, 0]])
    # With every other member a neighbour, each of the pairs is a candidate; below half of
    # the way the first parent is the nearer one.
    np.testing.assert_array_equal(find_parents(members, made, 29), pairs)


def test_a_class_too_small_is_named_with_the_way_out(lesions, context):
    data = lesions((20, 5), dim=4)
    with pytest.raises(InputError, match=r"'class1' has 5 .* needs 6; .*k_neighbors=auto"):
        list(Smote().sample(data, 1, 3, 0, context))
    samples, _ = _collect(Smote(k_neighbors="auto"), data, 1, 15, 0, context)
    expected, _ = _reference(data.samples, data.labels, 1, 15, 4, 0)
    np.testing.assert_array_equal(samples, expected)


def test_a_small_class_that_is_not_asked_for_is_no_error(lesions, context):
    data = lesions((20, 9, 1), dim=4)
    Smote().fit(data, context)
    assert len(_collect(Smote(), data, 1, 11, 0, context)[0]) == 11


def test_above_the_memory_bound_it_refuses_with_the_figure(lesions, context):
    data = lesions((20, 8), size=16)
    # 768 values of 4 bytes: 28 rows three times, 12 new ones twice, 8 members twice over.
    bound = 4 * 768 * (3 * 28 + 2 * 12 + 2 * 8) / 1e9
    _collect(Smote(space="pixel", max_memory_gb=bound * 1.01), data, 1, 12, 0, context)
    with pytest.raises(InputError, match=r"needs 0\.0 GB .* 768 values"):
        _collect(Smote(space="pixel", max_memory_gb=bound * 0.99), data, 1, 12, 0, context)
