"""Platt scaling and isotonic calibration against scikit-learn and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from imbalance_derm.posthoc.isotonic import Isotonic
from imbalance_derm.posthoc.platt import Platt


class Scores(ClassifierMixin, BaseEstimator):
    """A fitted classifier whose decision function is what it is given."""

    def fit(self, scores: np.ndarray, labels: np.ndarray) -> Scores:
        self.classes_ = np.unique(labels)
        return self

    def decision_function(self, scores: np.ndarray) -> np.ndarray:
        return scores[:, 1] if len(self.classes_) == 2 else scores

    def predict(self, scores: np.ndarray) -> np.ndarray:
        return self.classes_[scores.argmax(axis=1)]


def odds(logits: np.ndarray) -> np.ndarray:
    p = softmax(logits, axis=1)
    return np.log(p / (1 - p))


def probabilities(method, logits: np.ndarray) -> np.ndarray:
    return softmax(method.apply(logits), axis=1)


@pytest.mark.parametrize("classes", [2, 3, 8])
def test_platt_equals_sklearn(classes: int, make_logits, context) -> None:
    logits, labels = make_logits(0, n=400, classes=classes, overconfidence=3.0)
    other, _ = make_logits(1, n=100, classes=classes, overconfidence=3.0)
    method = Platt()
    method.fit(logits, labels, context(classes))
    frozen = FrozenEstimator(Scores().fit(odds(logits), labels))
    reference = CalibratedClassifierCV(frozen, method="sigmoid").fit(odds(logits), labels)
    expected = reference.predict_proba(odds(other))
    np.testing.assert_allclose(probabilities(method, other), expected, atol=2e-5)


@pytest.mark.parametrize("classes", [2, 3, 8])
def test_isotonic_equals_sklearn_class_by_class(classes: int, make_logits, context) -> None:
    logits, labels = make_logits(0, n=400, classes=classes, overconfidence=3.0)
    other, _ = make_logits(1, n=100, classes=classes, overconfidence=3.0)
    method = Isotonic()
    method.fit(logits, labels, context(classes))
    least = 1 / (len(labels) + 2)
    columns = [
        IsotonicRegression(y_min=least, y_max=1 - least, out_of_bounds="clip")
        .fit(odds(logits)[:, k], labels == k)
        .predict(odds(other)[:, k])
        for k in range(classes)
    ]
    expected = np.stack(columns, axis=1) / np.sum(columns, axis=0)[:, None]
    np.testing.assert_allclose(probabilities(method, other), expected, atol=1e-7)


def test_platt_is_unpenalised_logistic_regression_on_its_targets(make_logits, context) -> None:
    logits, labels = make_logits(2, n=120, classes=2, overconfidence=2.0)
    scores = logits[:, 1] - logits[:, 0]
    found, others = labels.sum(), (1 - labels).sum()
    targets = np.where(labels == 1, (found + 1) / (found + 2), 1 / (others + 2))
    # A target t is t parts of the class and 1 - t parts of the other.
    model = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10000).fit(
        np.tile(scores, 2)[:, None],
        np.repeat([1, 0], 120),
        sample_weight=np.concatenate([targets, 1 - targets]),
    )
    method = Platt()
    method.fit(logits, labels, context(2))
    curve = method.facts()["curves"][1]
    assert curve["slope"] == pytest.approx(model.coef_[0, 0], rel=1e-4)
    assert curve["intercept"] == pytest.approx(model.intercept_[0], rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("method", [Platt, Isotonic])
def test_two_classes_give_one_curve_from_either_side(method, make_logits, context) -> None:
    logits, labels = make_logits(3, n=150, classes=2, overconfidence=2.0)
    fitted = method()
    fitted.fit(logits, labels, context(2))
    raw = np.exp(fitted.apply(make_logits(4, classes=2)[0]))
    np.testing.assert_allclose(raw.sum(axis=1), 1.0, atol=1e-6)


def test_platt_undoes_scale_and_shift(make_logits, context) -> None:
    logits, labels = make_logits(5, n=20000, classes=2)
    moved = np.stack([logits[:, 0], logits[:, 0] + 4 * (logits[:, 1] - logits[:, 0]) + 2], axis=1)
    method = Platt()
    method.fit(moved, labels, context(2))
    curve = method.facts()["curves"][1]
    # Standard errors with 20 000 images are about 0.005 and 0.02.
    assert curve["slope"] == pytest.approx(0.25, abs=0.02)
    assert curve["intercept"] == pytest.approx(-0.5, abs=0.08)


def test_platt_of_separated_classes_reaches_its_targets(context) -> None:
    """Two distinct scores and two parameters: the curve goes through both targets."""
    scores, labels = np.repeat([-3.0, 5.0], [6, 2]), np.repeat([0, 1], [6, 2])
    logits = np.stack([np.zeros(8), scores], axis=1)
    method = Platt()
    method.fit(logits, labels, context(2))
    expected = np.where(labels == 1, 3 / 4, 1 / 8)
    np.testing.assert_allclose(probabilities(method, logits)[:, 1], expected, atol=1e-6)


def test_platt_of_equal_scores_learns_the_share_and_keeps_the_ranking(context) -> None:
    logits, labels = np.tile([0.0, 2.0], (20, 1)), np.repeat([0, 1], [15, 5])
    method = Platt()
    method.fit(logits, labels, context(2))
    share = (15 * 1 / 17 + 5 * 6 / 7) / 20
    assert method.facts()["curves"][1]["slope"] == 1.0
    np.testing.assert_allclose(probabilities(method, logits)[:, 1], share, atol=1e-6)


def pooled(scores: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """Isotonic regression by its min-max formula, scores equal or not."""
    at = np.unique(scores)
    runs = {
        (low, high): positive[(scores >= low) & (scores <= high)].mean()
        for low in at
        for high in at
        if low <= high
    }
    return np.array(
        [max(min(runs[low, high] for high in at if high >= s) for low in at if low <= s)
         for s in scores]
    )  # fmt: skip


@pytest.mark.parametrize("decimals", [1, 8])
@pytest.mark.parametrize("seed", range(4))
def test_isotonic_equals_the_min_max_formula(
    seed: int, decimals: int, make_logits, context
) -> None:
    logits, labels = make_logits(seed, n=40, classes=2)
    logits = np.round(logits, decimals)
    method = Isotonic()
    method.fit(logits, labels, context(2))
    # Differences of rounded logits can differ in the last bit only.
    expected = pooled(np.round(logits[:, 1] - logits[:, 0], 9), labels).clip(1 / 42, 41 / 42)
    np.testing.assert_allclose(probabilities(method, logits)[:, 1], expected, atol=1e-9)


def test_isotonic_never_reverses_the_order_of_two_images(make_logits, context) -> None:
    logits, labels = make_logits(6, n=300, classes=2)
    other, _ = make_logits(7, n=500, classes=2, overconfidence=3.0)
    method = Isotonic()
    method.fit(logits, labels, context(2))
    order = (other[:, 1] - other[:, 0]).argsort()
    found = probabilities(method, other)[order, 1]
    assert np.diff(found).min() >= -1e-12
    assert found.min() == pytest.approx(1 / 302)
    assert found.max() == pytest.approx(301 / 302)


@pytest.mark.parametrize("method", [Platt, Isotonic])
def test_a_missing_class_keeps_its_probability_before_the_division(
    method, make_logits, context
) -> None:
    logits, labels = make_logits(8, classes=4)
    kept = labels != 2
    fitted = method()
    fitted.fit(logits[kept], labels[kept], context(4))
    raw = np.exp(fitted.apply(logits))
    before = softmax(logits, axis=1)
    np.testing.assert_allclose(raw[:, 2], before[:, 2])
    assert np.abs(raw[:, 0] - before[:, 0]).max() > 0.01
    assert fitted.facts()["curves"][2] == {"slope": 1.0, "intercept": 0.0}


@pytest.mark.parametrize("method", [Platt, Isotonic])
def test_validation_of_one_class_changes_nothing(method, make_logits, context) -> None:
    logits, labels = make_logits(9, classes=3)
    fitted = method()
    fitted.fit(logits, np.zeros_like(labels), context(3))
    np.testing.assert_allclose(probabilities(fitted, logits), softmax(logits, axis=1))
