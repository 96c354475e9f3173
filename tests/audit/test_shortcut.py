"""The detector finds what is there, nothing where nothing is, and no lesion is on both sides."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm, skew
from sklearn.metrics import roc_auc_score

from imbalance_derm.audit.inputs import Made, Real, trace
from imbalance_derm.audit.pixel_evidence import pixel_evidence
from imbalance_derm.audit.shortcut import Shortcut, _folds, _shares, detect, label_auc

CLASSES = ("nv", "mel")


def _detect(real: Real, made: Made, seed: int = 0) -> Shortcut:
    return detect(real, made, trace(real, made), CLASSES, seed)


@pytest.fixture
def real(make_real) -> Real:
    labels = np.repeat([0, 1], [200, 80])
    features = np.random.default_rng(0).normal(size=(280, 8))
    return make_real(features + 3 * labels[:, None], labels)


def test_the_same_distribution_is_not_told_apart(real: Real, make_made) -> None:
    rng = np.random.default_rng(1)
    # All of one class: a detector that used the class would find them.
    found = _detect(real, make_made(rng.normal(size=(120, 8)) + 3, label=1))
    assert found.overall.accuracy.low < 0.5 < found.overall.accuracy.high
    assert found.overall.matched == 80
    assert abs(found.overall.auc - 0.5) < 0.12
    # The features tell the class; that there are samples tells nothing of it.
    assert abs(found.label_auc["mel"] - 0.5) < 0.08
    assert found.by_class[0].accuracy is None
    assert "5 samples" in found.by_class[0].missing


def test_a_shift_is_found_and_tells_the_label(real: Real, make_made) -> None:
    made = make_made(real.features[-80:] + 3 * np.eye(8)[0], label=1)
    found = _detect(real, made)
    assert found.overall.accuracy.low > 0.8
    assert found.overall.auc > 0.9
    # 80 real and 80 synthetic of the class, 200 real of the other: half are told by the flag.
    flag = np.repeat([0, 1], [280, 80])
    labels = np.concatenate([real.labels, made.labels])
    assert found.flag_auc["mel"] == pytest.approx(roc_auc_score(labels == 1, flag)) == 0.75
    assert found.flag_auc["nv"] == pytest.approx(0.25)
    assert found.label_auc["mel"] == pytest.approx(0.5 + 0.5 * (found.overall.auc - 0.5))


def test_classes_with_equal_shares_give_no_label_away(real: Real, make_made) -> None:
    shift = 4 * np.eye(8)[0]
    made = Made(
        real.features + shift.astype(np.float32), None, real.labels, [()] * len(real.labels)
    )
    found = _detect(real, made)
    assert found.overall.accuracy.value > 0.9
    assert found.flag_auc["mel"] == pytest.approx(0.5)
    assert found.label_auc["mel"] == pytest.approx(0.5)
    assert [part.matched for part in found.by_class] == [200, 80]
    assert found.overall.matched == 280


def test_a_lesion_and_its_samples_share_a_fold(make_real, make_made) -> None:
    # Wide features: a detector that saw a lesion knows its copies again, though only by heart.
    rng = np.random.default_rng(2)
    features = rng.normal(size=(120, 3000))
    real = make_real(features, np.ones(120, np.int64))
    copies = features[:100] + 0.01 * rng.normal(size=(100, 3000))
    known = [(row,) for row in range(100)]
    honest = _detect(real, make_made(copies, label=1, sources=known))
    assert abs(honest.overall.accuracy.value - 0.5) < 0.1
    assert honest.overall.matched == 100
    # Copies that hide their sources meet their originals, as real, in training.
    hidden = _detect(real, make_made(copies, label=1))
    assert hidden.overall.accuracy.value < 0.4


def test_views_of_a_lesion_share_its_fold(make_real, make_made) -> None:
    lesions = np.arange(60) // 3
    real = make_real(np.zeros((60, 2)), lesions=lesions)
    made = make_made(np.zeros((60, 2)), sources=[(row,) for row in range(60)])
    of_real, of_made = _folds(real, trace(real, made), 0)
    np.testing.assert_array_equal(of_made, of_real)
    assert (of_real.reshape(20, 3) == of_real[::3, None]).all()
    assert len(np.unique(of_real)) == 5


def test_samples_of_several_folds_do_not_train_and_do_not_count(make_real, make_made) -> None:
    rng = np.random.default_rng(3)
    real = make_real(rng.normal(size=(60, 4)), np.arange(60) % 2)
    everywhere = make_made(rng.normal(size=(30, 4)), label=1, sources=[tuple(range(60))] * 30)
    found = _detect(real, everywhere)
    assert found.overall.accuracy is None
    assert found.label_auc == {}
    assert found.flag_auc["mel"] > 0.5


def test_pixels_betray_what_features_do_not(make_real, make_made, photographs) -> None:
    rng = np.random.default_rng(4)
    real = make_real(rng.normal(size=(60, 4)), np.ones(60, np.int64), photographs(60, seed=4))
    # The same kind of image, but every second column repeats: an up-sampling artefact.
    repeated = photographs(60, seed=5)
    repeated[:, :, 1::2] = repeated[:, :, ::2]
    features = rng.normal(size=(60, 4))
    blind = _detect(real, make_made(features, label=1))
    seeing = _detect(real, make_made(features, label=1, images=repeated))
    assert not blind.pixels
    assert blind.overall.accuracy.value < 0.65
    assert seeing.pixels
    assert seeing.overall.accuracy.low > 0.9
    plain = _detect(real, make_made(features, label=1, images=photographs(60, seed=6)))
    assert plain.overall.accuracy.value < 0.65


def test_label_auc_is_that_of_a_score_that_sees_only_what_is_synthetic() -> None:
    # Scores of two distributions, one for real and one for synthetic, whatever the class.
    rng = np.random.default_rng(6)
    real, made = np.array([300, 100, 50]), np.array([0, 200, 20])
    labels = np.concatenate([np.repeat([0, 1, 2], real), np.repeat([0, 1, 2], made)])
    synthetic = np.repeat([0, 1], [real.sum(), made.sum()])
    found = []
    for _ in range(200):
        score = rng.normal(size=len(labels)) + synthetic
        found.append([roc_auc_score(labels == label, score) for label in range(3)])
    expected = label_auc(norm.cdf(1 / np.sqrt(2)), _shares(real, made))
    np.testing.assert_allclose(np.mean(found, axis=0), list(expected.values()), atol=0.005)
    certain = [roc_auc_score(labels == label, synthetic) for label in range(3)]
    assert list(label_auc(1.0, _shares(real, made)).values()) == pytest.approx(certain)


def test_what_is_fed_counts_and_not_what_is_looked_at(real: Real, make_made) -> None:
    made = make_made(real.features[-80:] + 9, label=1)
    found = detect(real, made, trace(real, made), CLASSES, 0, fed=np.array([0, 240]))
    assert found.flag_auc["mel"] == pytest.approx(0.5 + 0.5 * 240 / 320)


def test_pixel_evidence_sees_frequency_and_colour() -> None:
    at = np.arange(32)
    wave = 128 + 60 * np.sin(2 * np.pi * 6 * at / 32)
    image = np.zeros((1, 32, 32, 3))
    image[0] = wave[:, None, None]
    image[0, ..., 2] = 10.0
    found = pixel_evidence(image.astype(np.uint8))[0]
    rings = found[:-12]
    assert rings.argmax() == 6
    channels = image.astype(np.uint8)[0].reshape(-1, 3) / 255
    np.testing.assert_allclose(found[-12:-9], channels.mean(axis=0))
    np.testing.assert_allclose(found[-9:-6], channels.std(axis=0), atol=1e-12)
    np.testing.assert_allclose(found[-3:], [1, 0, 0], atol=1e-9)
    noise = (np.random.default_rng(5).integers(0, 256, (1, 16, 16, 3)) ** 2 // 255).astype(np.uint8)
    expected = skew(noise[0].reshape(-1, 3), axis=0)
    np.testing.assert_allclose(pixel_evidence(noise)[0][-6:-3], expected, rtol=1e-9)
