"""What every registered synthesizer has to do, whoever wrote it."""

from __future__ import annotations

import numpy as np
import pytest

from imbalance_derm.errors import InputError
from imbalance_derm.registry.manager import installed
from imbalance_derm.registry.parameters import create
from imbalance_derm.synth.contract import CHUNK, Synthesizer
from imbalance_derm.synth.quota import resolve_quota

NAMES = installed().names("synthesizer")
COUNTS = (12, 7, 6)


def own_parameters(values):
    """Without the quota, which belongs to the section and not to the part."""
    return {key: value for key, value in values.items() if key != "quota"}


def build(name):
    presets = installed().get("synthesizer", name).load().presets
    return create("synthesizer", name, own_parameters(presets.get("smoke", {})))


def quotas(synth, data):
    quota = type(synth).presets.get("smoke", {}).get("quota", "balance")
    return resolve_quota(quota, data.class_counts, synth.targets(data), data.classes)


def data_for(synth, lesions, counts=COUNTS, **kwargs):
    return lesions(counts, **({"dim": 5} if synth.space == "embedding" else {}), **kwargs)


def made(synth, data, context, seed=0, counts=None):
    counts = quotas(synth, data) if counts is None else counts
    chunks = [
        chunk
        for label, count in counts.items()
        for chunk in synth.sample(data, label, count, seed, context)
    ]
    empty = np.zeros((0, *data.samples.shape[1:]), data.samples.dtype)
    return np.concatenate([empty, *(chunk.samples for chunk in chunks)]), chunks


@pytest.fixture(params=NAMES)
def fitted(request, lesions, context):
    synth = build(request.param)
    data = data_for(synth, lesions)
    synth.fit(data, context)
    return synth, data, request.param


def test_it_is_a_synthesizer_with_valid_presets():
    for name in NAMES:
        target = installed().get("synthesizer", name).load()
        assert issubclass(target, Synthesizer)
        for values in target.presets.values():
            create("synthesizer", name, own_parameters(values))
            resolve_quota(values.get("quota", "balance"), np.array([3, 1]), [0, 1], ["a", "b"])


def test_same_seed_same_samples_other_seed_other_samples(fitted, context):
    synth, data, _ = fitted
    first, chunks = made(synth, data, context, seed=1)
    np.testing.assert_array_equal(first, made(synth, data, context, seed=1)[0])
    if chunks:
        assert not np.array_equal(first, made(synth, data, context, seed=2)[0])


def test_quota_is_met_unless_declared_otherwise_and_chunks_are_typed(fitted, context):
    synth, data, _ = fitted
    for label, count in quotas(synth, data).items():
        total = 0
        for chunk in synth.sample(data, label, count, 0, context):
            assert 0 < len(chunk.samples) <= CHUNK
            assert len(chunk.samples) == len(chunk.provenance)
            assert chunk.samples.dtype == data.samples.dtype
            assert chunk.samples.shape[1:] == data.samples.shape[1:]
            assert np.isfinite(chunk.samples).all()
            assert chunk.label == label
            total += len(chunk.samples)
        assert total == count if synth.exact else total > 0
        assert list(synth.sample(data, label, 0, 0, context)) == []


def test_more_than_one_chunk_and_no_two_samples_alike(fitted, context):
    synth, data, _ = fitted
    counts = dict.fromkeys(synth.targets(data)[-1:], CHUNK + 5)
    samples, chunks = made(synth, data, context, counts=counts)
    assert not synth.exact or len(samples) == sum(counts.values())
    assert len(chunks) >= 2 or len(samples) <= CHUNK
    if not synth.repeats:
        assert len({sample.tobytes() for sample in samples}) == len(samples)


def test_provenance_is_complete(fitted, context, tmp_path):
    synth, data, name = fitted
    synth.save(tmp_path)
    learned = any(tmp_path.iterdir())
    for chunk in made(synth, data, context, seed=9)[1]:
        for origin in chunk.provenance:
            assert origin.method == name
            assert origin.seed == 9
            assert set(origin.sources) <= set(data.image_ids)
            assert bool(origin.model) == learned


def test_the_training_data_is_not_changed(fitted, context):
    synth, data, _ = fitted
    before = data.samples.copy(), data.labels.copy()
    writable = data.with_samples(data.samples.copy())
    made(synth, writable, context)
    np.testing.assert_array_equal(writable.samples, before[0])
    np.testing.assert_array_equal(writable.labels, before[1])


def test_saved_and_loaded_it_makes_the_same_samples(fitted, context, tmp_path):
    synth, data, name = fitted
    synth.save(tmp_path)
    again = build(name)
    again.load(tmp_path, data, context)
    np.testing.assert_array_equal(made(synth, data, context)[0], made(again, data, context)[0])
    assert not list(tmp_path.rglob("*.p*kl"))


@pytest.mark.parametrize("name", NAMES)
def test_fitting_is_deterministic_and_tells_facts(name, lesions, context):
    synths = [build(name), build(name)]
    data = data_for(synths[0], lesions)
    facts = [synth.fit(data, context) for synth in synths]
    assert facts[0] == facts[1]
    np.testing.assert_array_equal(*(made(synth, data, context)[0] for synth in synths))


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_class_is_named(name, lesions, context):
    synth = build(name)
    with pytest.raises(InputError, match="'class1' has no training image"):
        synth.fit(data_for(synth, lesions, (5, 0, 4)), context)


@pytest.mark.parametrize("name", NAMES)
def test_a_class_of_one_image_works_or_is_named(name, lesions, context):
    synth = build(name)
    data = data_for(synth, lesions, (9, 1))
    refusal, samples = "", []
    try:
        synth.fit(data, context)
        samples, _ = made(synth, data, context)
    except InputError as error:
        refusal = str(error)
    wanted = sum(quotas(synth, data).values())
    kept = len(samples) == wanted if synth.exact else len(samples) > 0
    assert "'class1' has 1 training image" in refusal or (not refusal and kept)
