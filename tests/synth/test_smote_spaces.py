from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from imbalance_derm.errors import InputError
from imbalance_derm.synth.smote.smote import Smote
from imbalance_derm.synth.smote.spaces import AXES_FILE, PrincipalComponentSpace


def _fitted(data, context, components=5):
    synth = Smote(space="pca", components=components)
    return synth, synth.fit(data, context)


def _samples(synth, data, context):
    chunks = list(synth.sample(data, 1, 80, 1, context))
    return np.concatenate([chunk.samples for chunk in chunks]), chunks[0].provenance[0]


def test_saved_and_loaded_it_makes_the_same_images_under_the_same_name(lesions, context, tmp_path):
    data = lesions((20, 9))
    synth, facts = _fitted(data, context)
    synth.save(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == [AXES_FILE]
    again = Smote(space="pca", components=5)
    again.load(tmp_path, data, context)
    (first, origin), (second, loaded) = (_samples(s, data, context) for s in (synth, again))
    np.testing.assert_array_equal(first, second)
    assert origin == loaded
    assert origin.model == facts["model"] != ""


def test_the_model_is_another_for_other_training_pixels(lesions, context):
    names = {_fitted(lesions((20, 9), seed=seed), context)[1]["model"] for seed in (0, 1)}
    assert len(names) == 2


def test_all_components_give_the_images_back(lesions, context):
    data = lesions((8, 4), size=4)
    space = PrincipalComponentSpace(11, max_memory_gb=1.0)
    # Eleven axes through twelve images leave nothing out.
    assert space.fit(data, seed=0)["explained_variance"] == pytest.approx(1, abs=1e-4)
    rows = np.array([0, 5, 11])
    np.testing.assert_array_equal(space.samples(space.points(data, rows), data), data.samples[rows])


def test_scores_outside_of_what_a_camera_can_show_are_clipped(lesions, context):
    data = lesions((8, 4))
    space = PrincipalComponentSpace(2, max_memory_gb=1.0)
    space.fit(data, seed=0)
    far = space.samples(100 * space.points(data, np.arange(12)), data)
    assert far.dtype == np.uint8
    assert {far.min(), far.max()} == {0, 255}
    # Wrapped round instead, values between would be as frequent as the extremes.
    assert np.isin(far, (0, 255)).mean() > 0.9


def test_fitting_leaves_the_training_images_alone(lesions, context):
    data = lesions((8, 4))
    writable = data.with_samples(data.samples.copy())
    _fitted(writable, context)
    np.testing.assert_array_equal(writable.samples, data.samples)


def test_more_components_than_images_are_refused_with_the_figure(lesions, context):
    with pytest.raises(InputError, match=r"components=20 .* 12 training images .*components=12"):
        _fitted(lesions((8, 4)), context, components=20)


def test_the_memory_bound_of_the_components_is_what_is_really_taken(lesions):
    data = lesions((150, 50), size=48)
    tracemalloc.start()
    PrincipalComponentSpace(10, max_memory_gb=1.0).fit(data, seed=0)
    taken = tracemalloc.get_traced_memory()[1] / 1e9
    tracemalloc.stop()
    with pytest.raises(InputError, match=r"200 images of 6912 values need"):
        PrincipalComponentSpace(10, max_memory_gb=taken).fit(data, seed=0)
    PrincipalComponentSpace(10, max_memory_gb=1.7 * taken).fit(data, seed=0)
