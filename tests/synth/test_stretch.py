"""Stretched images against the closed form, and what a run does with the setting."""

from __future__ import annotations

import numpy as np
import pytest

from imbalance_derm import Experiment
from imbalance_derm.errors import InputError
from imbalance_derm.pipeline.synthetic_data import make, prepare
from imbalance_derm.synth.contract import Chunk, Provenance
from imbalance_derm.synth.stretch import stretch, stretched

SETTINGS = ("data.images=96", "data.ratio=3", "data.image_size=32", "synth.seed=0")


def images(n: int = 5, size: int = 8) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(60, 180, (n, size, size, 3), dtype=np.uint8)


def test_each_image_is_stretched_to_its_own_range():
    given = images()
    given[1] //= 2
    made = stretch(given)
    assert made.dtype == np.uint8
    for before, after in zip(given.astype(float), made, strict=True):
        expected = (before - before.min()) / (before.max() - before.min()) * 255
        assert np.abs(after - expected).max() <= 0.5
        assert (after.min(), after.max()) == (0, 255)


def test_an_image_with_the_whole_range_and_one_of_a_single_value_stay():
    given = images(2)
    given[0, 0, 0] = (0, 255, 128)
    given[1] = 77
    assert np.array_equal(stretch(given), given)


def test_labels_and_provenance_are_kept():
    origins = [Provenance("cyclegan", (f"i{n}",), 0) for n in range(5)]
    (chunk,) = stretched([Chunk(images(), 1, origins)])
    assert (chunk.label, chunk.provenance) == (1, origins)
    assert np.array_equal(chunk.samples, stretch(images()))


def sampled(cache, *settings: str):
    spec = Experiment(preset="smoke", synth="augment", settings=(*SETTINGS, *settings)).spec
    return make(prepare(spec, cache, lambda event: None))


def test_a_run_stretches_what_is_sampled_and_fits_nothing_anew(tmp_path):
    plain, found = sampled(tmp_path), sampled(tmp_path, "synth.stretch=true")
    assert found.key != plain.key
    assert np.array_equal(found.samples, stretch(np.asarray(plain.samples)))
    assert not np.array_equal(found.samples, plain.samples)
    assert found.manifest.equals(plain.manifest)
    assert len(list((tmp_path / "fit").glob("*.lock"))) == 1


def test_embeddings_are_refused_in_one_line(tmp_path):
    spec = Experiment(preset="smoke", synth="smote", settings=("synth.stretch=true",)).spec
    with pytest.raises(InputError, match=r"synth.stretch is for images, and synthesizer 'smote'"):
        prepare(spec, tmp_path, lambda event: None)
    assert list(tmp_path.iterdir()) == []
