"""Decision metrics against scikit-learn, imbalanced-learn, the ISIC scorer and paper A."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from imblearn.metrics import sensitivity_score, specificity_score
from isic_challenge_scoring import metrics as isic
from isic_challenge_scoring.confusion import create_binary_confusion_matrix
from sklearn import metrics as sk

from imbalance_derm.evaluation import confusion


def _case(seed: int, classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    n = 80
    labels = np.concatenate([np.arange(classes), rng.integers(classes, size=n - classes)])
    decided = np.where(rng.random(n) < 0.5, labels, rng.integers(classes, size=n))
    decided[:classes] = np.arange(classes)
    weights = rng.integers(0, 4, size=(6, n)).astype(float)
    weights[:, :classes] += 1
    return labels, decided, weights, confusion.confusion_matrix(labels, decided, classes, weights)


@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("seed", range(4))
def test_equal_to_sklearn_with_sample_weights(seed: int, classes: int) -> None:
    labels, decided, weights, matrices = _case(seed, classes)
    for row, weight in enumerate(weights):
        given = {"sample_weight": weight}
        matrix = sk.confusion_matrix(labels, decided, **given)
        np.testing.assert_array_equal(matrices[row], matrix)
        precision, recall, f1, _ = sk.precision_recall_fscore_support(labels, decided, **given)
        np.testing.assert_allclose(confusion.ppv(matrices)[row], precision)
        np.testing.assert_allclose(confusion.sensitivity(matrices)[row], recall)
        np.testing.assert_allclose(confusion.f1(matrices)[row], f1)
        assert confusion.accuracy(matrices)[row] == pytest.approx(
            sk.accuracy_score(labels, decided, **given)
        )
        assert confusion.mcc(matrices)[row] == pytest.approx(
            sk.matthews_corrcoef(labels, decided, **given)
        )
        assert confusion.sensitivity(matrices)[row].mean() == pytest.approx(
            sk.balanced_accuracy_score(labels, decided, **given)
        )
        # NPV of a class is the precision of deciding for "the rest".
        for index in range(classes):
            npv = sk.precision_score(labels != index, decided != index, **given)
            assert confusion.npv(matrices)[row, index] == pytest.approx(npv)


@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("seed", range(4))
def test_sensitivity_and_specificity_equal_imbalanced_learn(seed: int, classes: int) -> None:
    labels, decided, weights, matrices = _case(seed, classes)
    for row, weight in enumerate(weights):
        # Repeated, not weighted: imbalanced-learn 0.14 counts true negatives without weights.
        rows = np.repeat(np.arange(len(labels)), weight.astype(int))
        drawn = labels[rows], decided[rows]
        np.testing.assert_allclose(
            confusion.sensitivity(matrices)[row], sensitivity_score(*drawn, average=None)
        )
        np.testing.assert_allclose(
            confusion.specificity(matrices)[row], specificity_score(*drawn, average=None)
        )


@pytest.mark.parametrize("seed", range(4))
def test_equal_to_the_isic_challenge_scorer(seed: int) -> None:
    labels, decided, weights, matrices = _case(seed, 7)
    for index in range(7):
        counts = create_binary_confusion_matrix(
            (labels == index).astype(int), (decided == index).astype(int), weights[0]
        )
        for ours, theirs in (
            (confusion.sensitivity, isic.binary_sensitivity),
            (confusion.specificity, isic.binary_specificity),
            (confusion.ppv, isic.binary_ppv),
            (confusion.npv, isic.binary_npv),
        ):
            assert ours(matrices)[0, index] == pytest.approx(theirs(counts))
    frame = [pd.DataFrame(np.eye(7)[said]) for said in (labels, decided)]
    theirs = isic.balanced_multiclass_accuracy(*frame, pd.Series(weights[0]))
    assert confusion.sensitivity(matrices)[0].mean() == pytest.approx(theirs)


def test_paper_a_printed_its_npv_as_sensitivity() -> None:
    """304 benign, 75 malignant, FN 22, TN 245 (MelaNet): 91.76 % is TN / (TN + FN)."""
    labels = np.repeat([0, 1], [304, 75])
    decided = np.concatenate([np.repeat([0, 1], [245, 59]), np.repeat([0, 1], [22, 53])])
    matrices = confusion.confusion_matrix(labels, decided, 2, np.ones((1, 379)))
    assert matrices[0].tolist() == [[245, 59], [22, 53]]

    def percent(figure: np.ndarray) -> float:
        return round(100 * float(figure), 2)

    assert percent(confusion.npv(matrices)[0, 1]) == 91.76
    assert percent(confusion.sensitivity(matrices)[0, 1]) == 70.67
    assert percent(confusion.specificity(matrices)[0, 1]) == 80.59
    assert percent(confusion.sensitivity(matrices).mean()) == 75.63
    assert percent(confusion.ppv(matrices)[0, 1]) == 47.32  # 53 / 112


def test_what_cannot_be_counted_is_nan() -> None:
    # Truth a, a, b; the decision is a each time, and class c occurs nowhere.
    labels, decided = np.array([0, 0, 1]), np.array([0, 0, 0])
    matrices = confusion.confusion_matrix(labels, decided, 3, np.ones((1, 3)))
    nan = np.nan
    np.testing.assert_equal(confusion.sensitivity(matrices)[0], [1, 0, nan])
    np.testing.assert_equal(confusion.specificity(matrices)[0], [0, 1, 1])
    np.testing.assert_allclose(confusion.ppv(matrices)[0], [2 / 3, nan, nan])
    np.testing.assert_allclose(confusion.npv(matrices)[0], [nan, 2 / 3, 1])
    np.testing.assert_allclose(confusion.f1(matrices)[0], [0.8, 0, nan])
    assert confusion.mcc(matrices)[0] == 0
    # Of class c without an image F1 is as unknown as its sensitivity, though it was decided.
    guessed = confusion.confusion_matrix(labels, np.array([0, 2, 1]), 3, np.ones((1, 3)))
    np.testing.assert_allclose(confusion.f1(guessed)[0], [2 / 3, 1, nan])
    one_class = confusion.confusion_matrix(labels[:2], np.array([0, 1]), 3, np.ones((1, 2)))
    assert np.isnan(confusion.mcc(one_class)[0])
