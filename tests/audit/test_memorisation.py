"""Planted copies are found, own sources are left out, and similarity is scikit-image's."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from imbalance_derm.audit import ssim as similarity
from imbalance_derm.audit.copies import identical_to_source
from imbalance_derm.audit.inputs import Made, Real, trace
from imbalance_derm.audit.memorisation import Memorisation, measure_memorisation


def _measure(real: Real, made: Made) -> Memorisation:
    return measure_memorisation(real, made, trace(real, made), 0, seed=0)


def test_ssim_equals_scikit_image() -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (5, 20, 20)).astype(np.uint8)
    y = np.clip(x + rng.normal(0, 30, x.shape), 0, 255).astype(np.uint8)
    expected = [structural_similarity(a, b, data_range=255) for a, b in zip(x, y, strict=True)]
    np.testing.assert_allclose(similarity.ssim(x, y), expected, rtol=1e-9)


def test_best_ssim_undoes_every_flip_and_turn(photographs, monkeypatch) -> None:
    monkeypatch.setattr(similarity, "_BATCH", 3)
    grey = similarity.shrink_grey(photographs(8, seed=1))
    turned = np.stack(
        [np.rot90(each[:, :: 1 - 2 * (i // 4)], i % 4) for i, each in enumerate(grey)]
    )
    np.testing.assert_allclose(similarity.best_ssim(grey, turned), 1.0)
    assert similarity.ssim(grey[1:], turned[1:]).max() < 0.9


def test_grey_copies_are_small_and_keep_the_mean(photographs) -> None:
    images = photographs(2, seed=2, size=128)
    small = similarity.shrink_grey(images)
    assert small.shape == (2, 64, 64)
    luma = images @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(small.mean(axis=(1, 2)), luma.mean(axis=(1, 2)), atol=1)


def test_copies_of_other_lesions_are_flagged(make_real, make_made, photographs) -> None:
    rng = np.random.default_rng(3)
    x, pixels = rng.normal(size=(150, 24)), photographs(150, seed=3)
    real = make_real(x, images=pixels)
    # 40 fresh samples, then 20 noisy copies of images 100 to 119 that claim another source.
    fresh = rng.normal(size=(40, 24))
    copies = x[100:120] + 0.05 * rng.normal(size=(20, 24))
    noisy = np.clip(pixels[100:120] + rng.normal(0, 4, pixels[100:120].shape), 0, 255)
    images = np.concatenate([photographs(40, seed=4), noisy.astype(np.uint8)[:, ::-1]])
    made = make_made(
        np.concatenate([fresh, copies]), images=images, sources=[(i,) for i in range(60)]
    )
    found = _measure(real, made)
    assert 20 / 60 <= found.flagged.value <= 24 / 60
    assert found.flagged.low > found.floor.high
    assert found.floor.value <= 0.03
    planted = [pair for pair in found.closest if pair.sample >= 40]
    assert len(planted) == len(found.closest) == 12
    assert all(pair.real == pair.sample + 60 and pair.flagged for pair in planted)
    # Either kind of evidence is enough.
    assert found.by_ssim >= 20 / 60
    assert found.by_distance >= 20 / 60


def test_noise_that_moves_features_does_not_hide_a_copy(make_real, make_made, photographs) -> None:
    rng = np.random.default_rng(5)
    x, pixels = rng.normal(size=(150, 6)), photographs(150, seed=5)
    moved = x[:30] + 0.3 * rng.normal(size=(30, 6))
    found = _measure(make_real(x, images=pixels), make_made(moved, images=pixels[:30]))
    assert found.by_distance < 0.7
    assert found.flagged.value > 0.9


def test_own_source_and_other_views_of_its_lesion_do_not_count(make_real, make_made) -> None:
    rng = np.random.default_rng(6)
    # Two photographs of each lesion, nearly alike.
    x = np.repeat(rng.normal(size=(80, 16)), 2, axis=0) + 1e-3 * rng.normal(size=(160, 16))
    real = make_real(x, lesions=np.arange(160) // 2)
    rows = np.arange(0, 160, 2)
    own = _measure(real, make_made(x[rows], sources=[(row,) for row in rows]))
    assert own.flagged.value <= 0.05
    # What claims to come from noise, or from another lesion, is a copy.
    assert _measure(real, make_made(x[rows])).flagged.value == 1.0
    other = [((row + 2) % 160,) for row in rows]
    assert _measure(real, make_made(x[rows], sources=other)).flagged.value == 1.0
    # A second source is left out just as the first.
    both = [((row + 2) % 160, row) for row in rows]
    assert _measure(real, make_made(x[rows], sources=both)).flagged.value <= 0.05


def test_nearest_distances_equal_brute_force(make_real, make_made) -> None:
    rng = np.random.default_rng(7)
    x, y = rng.normal(size=(50, 4)), rng.normal(size=(9, 4))
    labels = np.arange(50) % 2
    real, made = make_real(x, labels), make_made(y)
    found = _measure(real, made)
    unit = [side.astype(float) for side in (real.features, made.features)]
    unit = [side / np.linalg.norm(side, axis=1, keepdims=True) for side in unit]
    apart = 1 - unit[1] @ unit[0].T
    pairs = {pair.sample: pair for pair in found.closest}
    for sample in range(9):
        assert pairs[sample].real == apart[sample].argmin()
        assert pairs[sample].distance == pytest.approx(apart[sample].min(), abs=1e-6)
    # The class's own images, to the nearest of any class.
    within = 1 - unit[0] @ unit[0].T + 10 * np.eye(50)
    expected = np.quantile(within[labels == 0].min(axis=1), 0.01)
    assert found.distance_threshold == pytest.approx(expected, abs=1e-6)
    assert found.real == 25


def test_one_lesion_gives_a_reason(make_real, make_made) -> None:
    found = _measure(make_real(np.ones((3, 2)), lesions=np.zeros(3)), make_made(np.ones((2, 2))))
    assert found.flagged is None
    assert "two lesions" in found.missing


def test_identical_samples_are_counted_against_their_own_source(
    make_real, make_made, photographs
) -> None:
    pixels = photographs(20, seed=8)
    real = make_real(np.zeros((20, 2)), images=pixels)
    images = pixels.copy()
    images[:5] = np.clip(images[:5].astype(int) + 3, 0, 255)
    images[5, 0, 0, 0] ^= 1
    made = make_made(np.zeros((20, 2)), images=images, sources=[(row,) for row in range(20)])
    found = identical_to_source(real, made, trace(real, made), 0, seed=0)
    assert found.identical.value == 14 / 20
    assert found.identical.low < 14 / 20 < found.identical.high
    expected = np.abs(images.astype(float) - pixels).mean()
    assert found.difference.value == pytest.approx(expected)
    # Any of several sources counts.
    two = make_made(np.zeros((20, 2)), images=pixels, sources=[(19, row) for row in range(20)])
    assert identical_to_source(real, two, trace(real, two), 0, seed=0).identical.value == 1.0


def test_identity_needs_sources_and_images(make_real, make_made, photographs) -> None:
    real = make_real(np.zeros((3, 2)), images=photographs(3, seed=9))
    noise = make_made(np.zeros((2, 2)), images=photographs(2, seed=10))
    assert "from an image" in identical_to_source(real, noise, trace(real, noise), 0, 0).missing
    embedded = make_made(np.zeros((2, 2)), sources=[(0,), (1,)])
    found = identical_to_source(real, embedded, trace(real, embedded), 0, 0)
    assert found.identical is None
    assert "embeddings" in found.missing
