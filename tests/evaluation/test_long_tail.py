"""Head, medium and tail accuracy against scikit-learn's recalls."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import recall_score

from imbalance_derm.evaluation.decision import ARGMAX
from imbalance_derm.evaluation.long_tail import long_tail_accuracy, long_tail_groups
from imbalance_derm.evaluation.predictions import Predictions

COUNTS = np.array([327, 514, 1099, 115, 1113, 6705, 142])


def said(rng, labels):
    ids = np.array([f"i{k}" for k in range(len(labels))])
    p = rng.dirichlet(np.ones(7), len(labels)) + 0.3 * np.eye(7)[labels]
    return Predictions(ids, ids, labels, p / p.sum(axis=1, keepdims=True), tuple("abcdefg"))


def test_each_group_is_the_mean_recall_of_its_classes():
    labels = np.random.default_rng(0).integers(0, 7, 400)
    predictions = said(np.random.default_rng(1), labels)
    recalls = recall_score(labels, predictions.probabilities.argmax(axis=1), average=None)
    found = long_tail_accuracy(predictions, ARGMAX, COUNTS, resamples=300)
    for name, classes in {"head": [5, 4, 2], "medium": [1, 0], "tail": [6, 3]}.items():
        figure = found[f"{name}_accuracy"]
        assert figure.value == pytest.approx(recalls[classes].mean())
        assert figure.low < figure.value < figure.high


def test_a_group_without_test_images_is_undefined_and_the_others_are_not():
    labels = np.random.default_rng(0).integers(0, 3, 60)  # no image of classes 3 to 6
    found = long_tail_accuracy(said(np.random.default_rng(1), labels), ARGMAX, COUNTS, 100)
    assert math.isnan(found["tail_accuracy"].value)
    assert found["medium_accuracy"].value >= 0


@pytest.mark.parametrize("classes", [1, 2, 3, 4, 5, 8])
def test_groups_hold_every_class_once_in_order_of_frequency(classes):
    counts = np.random.default_rng(classes).permutation(classes) + 1
    groups = long_tail_groups(counts)
    if classes < 3:
        assert groups == {}
        return
    flat = [label for group in groups.values() for label in group]
    assert sorted(flat) == list(range(classes))
    assert (np.diff(counts[flat]) <= 0).all()
