"""A classifier of real images judges samples of known worth, and never one whose source it saw."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from imbalance_derm.audit import folds
from imbalance_derm.audit.class_fidelity import Judgement, judge_classes
from imbalance_derm.audit.inputs import Made, Real, trace

CLASSES = ("nv", "mel")


def _judge(real: Real, made: Made, classes: tuple[str, ...] = CLASSES) -> Judgement:
    return judge_classes(real, made, trace(real, made), classes, seed=0)


@pytest.fixture
def separable(make_real) -> Real:
    labels = np.repeat([0, 1], [60, 30])
    features = np.random.default_rng(0).normal(size=(90, 6)) + 4 * labels[:, None]
    return make_real(features, labels)


def test_samples_of_the_right_and_of_the_wrong_class(separable: Real, make_made) -> None:
    rng = np.random.default_rng(1)
    right = _judge(separable, make_made(rng.normal(size=(40, 6)) + 4, label=1))
    wrong = _judge(separable, make_made(rng.normal(size=(40, 6)), label=1))
    assert right.balanced_accuracy.value > 0.97
    assert right.by_class[1].intended.value > 0.95
    assert right.by_class[1].probability.value > 0.8
    assert wrong.by_class[1].intended.value < 0.05
    # None of 40: not shown to be impossible.
    assert 0.05 < wrong.by_class[1].intended.high < 0.15
    assert wrong.by_class[1].recall == right.by_class[1].recall
    assert right.by_class[0].missing == "no sample"


def test_translations_are_paired_with_their_sources(separable: Real, make_made) -> None:
    nevi = separable.features[:40]
    sources = [(row,) for row in range(40)]
    moved = _judge(separable, make_made(nevi + 4, label=1, sources=sources)).by_class[1]
    kept = _judge(separable, make_made(nevi, label=1, sources=sources)).by_class[1]
    assert moved.translations == kept.translations == 40
    assert moved.gain.low > 0.6
    assert moved.gain.value == pytest.approx(moved.gap, abs=0.05)
    assert (kept.gain.value, kept.gain.low, kept.gain.high) == (0.0, 0.0, 0.0)
    # Samples of the own class, or of two images, are no translations.
    own = make_made(separable.features[60:80], label=1, sources=[(row,) for row in range(60, 80)])
    assert _judge(separable, own).by_class[1].translations == 0
    two = make_made(nevi, label=1, sources=[(row, row + 1) for row in range(40)])
    assert _judge(separable, two).by_class[1].gain is None


def test_what_the_classifier_could_only_have_memorised_earns_nothing(make_real, make_made) -> None:
    # Labels are drawn by lot and features wide: every training image is known, no other one.
    rng = np.random.default_rng(2)
    features, labels = rng.normal(size=(200, 2000)), np.arange(200) % 2
    real = make_real(features, labels)
    of_class = np.flatnonzero(labels == 1)
    copies, sources = features[of_class], [(int(row),) for row in of_class]
    honest = _judge(real, make_made(copies, label=1, sources=sources)).by_class[1]
    assert honest.intended.low < 0.5 < honest.intended.high
    assert honest.intended.value == honest.recall.value
    # The same copies without their sources are known to four classifiers of five.
    assert _judge(real, make_made(copies, label=1)).by_class[1].intended.value > 0.95
    # Two sources in two folds: neither may have been seen.
    pairs = [(int(row), int(row - 1)) for row in of_class]
    both = _judge(real, make_made(copies, label=1, sources=pairs)).by_class[1]
    assert both.scored == 100
    assert both.intended.low < 0.5 < both.intended.high


def test_views_of_a_lesion_are_held_out_together(make_real, make_made) -> None:
    rng = np.random.default_rng(3)
    lesions = np.arange(200) // 2
    features = np.repeat(rng.normal(size=(100, 2000)), 2, axis=0)
    real = make_real(features, lesions % 2, lesions=lesions)
    found = _judge(real, make_made(features[:1], label=1))
    assert found.balanced_accuracy.low < 0.5 < found.balanced_accuracy.high


def test_own_error_is_that_of_plain_cross_fitting(separable: Real, make_made) -> None:
    real = Real(
        separable.features - 3.2 * separable.labels[:, None],
        None,
        separable.labels,
        separable.image_ids,
        separable.lesion_ids,
    )
    made = make_made(real.features[:2], label=1)
    found = _judge(real, made)
    fold = folds.deal_folds(real.labels, trace(real, made).lesions, 0)
    said = np.empty(90, int)
    for held_out in range(5):
        model = folds.fit_logistic(real.features[fold != held_out], real.labels[fold != held_out])
        said[fold == held_out] = model.predict(real.features[fold == held_out].astype(float))
    assert found.balanced_accuracy.value == pytest.approx(
        balanced_accuracy_score(real.labels, said)
    )
    recall = (said[real.labels == 1] == 1).mean()
    assert found.by_class[1].recall.value == pytest.approx(recall)


def test_folds_part_lesions_and_hold_every_class_on_both_sides() -> None:
    rng = np.random.default_rng(4)
    groups = rng.permutation(np.arange(120) % 40)
    labels = np.where(groups < 2, 0, 1 + groups % 2)
    fold = folds.deal_folds(labels, groups, seed=0)
    for group in np.unique(groups):
        assert len(np.unique(fold[groups == group])) == 1
    for held_out in np.unique(fold):
        assert set(labels[fold != held_out]) == {0, 1, 2}
    assert set(fold) == set(range(folds.FOLDS))


def test_a_class_of_one_lesion_says_so(make_real, make_made) -> None:
    labels = np.repeat([0, 1, 2], [20, 20, 2])
    features = np.random.default_rng(5).normal(size=(42, 3)) + 5 * labels[:, None]
    real = make_real(features, labels, lesions=np.minimum(np.arange(42), 40))
    found = _judge(real, make_made(features[40:], label=2), ("nv", "mel", "df"))
    assert found.by_class[2].intended is None
    assert "1 real lesion" in found.by_class[2].missing
    assert found.by_class[0].recall.value == 1.0
    alone = _judge(make_real(np.zeros((2, 3))), make_made(np.zeros((1, 3))))
    assert alone.balanced_accuracy is None
    assert "two classes" in alone.by_class[0].missing


def test_a_sample_without_an_innocent_classifier_is_not_scored(separable: Real, make_made) -> None:
    everything = [tuple(range(90))]
    found = _judge(separable, make_made(separable.features[60:61], label=1, sources=everything))
    assert found.by_class[1].scored == 0
    assert "saw none" in found.by_class[1].missing
