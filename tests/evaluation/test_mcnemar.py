"""McNemar's test against scipy, statsmodels, published examples and lesions counted by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom, binomtest
from statsmodels.stats.contingency_tables import mcnemar as reference

from imbalance_derm.errors import InputError
from imbalance_derm.evaluation.decision import ARGMAX, Decision
from imbalance_derm.evaluation.mcnemar import McNemar, mcnemar, p_values
from imbalance_derm.evaluation.predictions import Predictions

CLASSES = ("benign", "malignant")


def deciding(right: np.ndarray, labels: np.ndarray, lesions: np.ndarray) -> Predictions:
    """Predictions that are right where `right` says so."""
    decided = np.where(right, labels, 1 - labels)
    ids = np.arange(len(labels)).astype(str)
    return Predictions(ids, lesions.astype(str), labels, np.eye(2)[decided], CLASSES)


@pytest.mark.parametrize(
    ("counts", "exact", "mid_p"),
    [((1, 7), 0.0703, 0.0391), ((6, 16), 0.0525, 0.0347)],
    ids=["airway hyper-responsiveness", "complete response"],
)
def test_published_examples(counts, exact, mid_p):
    """Fagerland, Lydersen and Laake 2013, tables 1 and 2 and the results on them."""
    assert p_values(*counts) == pytest.approx((exact, mid_p), abs=5e-5)
    assert p_values(*counts[::-1]) == p_values(*counts)


@pytest.mark.parametrize("first", [0, 1, 4, 9, 30])
@pytest.mark.parametrize("second", [1, 4, 11, 200])
def test_exact_equals_scipy_and_statsmodels(first, second):
    exact, mid_p = p_values(first, second)
    assert exact == pytest.approx(binomtest(first, first + second).pvalue)
    assert exact == pytest.approx(reference([[5, first], [second, 5]], exact=True).pvalue)
    # The mid-p-value counts half of each outcome that is as likely as the one seen.
    outcomes = np.arange(first + second + 1)
    chance, seen = binom.pmf(outcomes, first + second, 0.5), min(first, second)
    as_likely = (outcomes == seen) | (outcomes == first + second - seen)
    beyond = (outcomes < seen) | (outcomes > first + second - seen)
    assert mid_p == pytest.approx(chance[beyond].sum() + chance[as_likely].sum() / 2)


@pytest.mark.parametrize("discordant", [0, 1, 4, 5, 6, 10, 11, 60])
@pytest.mark.parametrize("tests", [1, 12])
def test_the_least_that_would_have_told_is_the_first_that_does(discordant, tests):
    sides = range((discordant + 1) // 2, discordant + 1)
    telling = [n for n in sides if p_values(n, discordant - n)[1] < 0.05 / tests]
    found = McNemar(discordant, 0, 100, *p_values(discordant, 0)).least_told(tests)
    assert found == min(telling, default=None)


def test_images_are_counted_where_lesions_have_one_each():
    rng, labels = np.random.default_rng(0), np.arange(60) % 2
    ours, theirs = rng.random(60) < 0.8, rng.random(60) < 0.6
    first, second = (deciding(right, labels, np.arange(60)) for right in (ours, theirs))
    found = mcnemar(first, ARGMAX, second, ARGMAX)
    b, c = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    assert (found.only_first, found.only_second, found.lesions) == (b, c, 60)
    assert found.exact == pytest.approx(binomtest(b, b + c).pvalue)


def test_a_lesion_is_right_where_most_of_its_photographs_are():
    lesions = np.array([0, 0, 0, 1, 1, 2])
    labels = np.array([1, 1, 1, 0, 0, 1])
    # Two of three; one of two, which is not most; the only one.
    first = deciding(np.array([1, 1, 0, 1, 0, 1], dtype=bool), labels, lesions)
    second = deciding(np.array([1, 0, 0, 1, 1, 0], dtype=bool), labels, lesions)
    found = mcnemar(first, ARGMAX, second, ARGMAX)
    assert (found.only_first, found.only_second, found.lesions) == (2, 1, 3)
    order = np.random.default_rng(0).permutation(6)
    moved = (
        replace(
            m,
            image_ids=m.image_ids[order],
            lesion_ids=m.lesion_ids[order],
            labels=m.labels[order],
            probabilities=m.probabilities[order],
        )
        for m in (first, second)
    )
    ours, theirs = moved
    assert mcnemar(ours, ARGMAX, theirs, ARGMAX) == found


def test_more_photographs_of_the_same_are_no_more_evidence():
    rng, labels = np.random.default_rng(1), np.arange(30) % 2
    rights = [rng.random(30) < rate for rate in (0.9, 0.6)]
    once = [deciding(right, labels, np.arange(30)) for right in rights]
    thrice = [
        deciding(np.repeat(right, 3), np.repeat(labels, 3), np.repeat(np.arange(30), 3))
        for right in rights
    ]
    assert mcnemar(once[0], ARGMAX, once[1], ARGMAX) == mcnemar(
        thrice[0], ARGMAX, thrice[1], ARGMAX
    )


def test_each_model_has_its_own_decision_and_a_class_its_own_test():
    labels, ids = np.array([0, 0, 1, 1, 1]), np.arange(5).astype(str)
    p = np.array([0.1, 0.45, 0.45, 0.45, 0.9])
    said = Predictions(ids, ids, labels, np.stack([1 - p, p], 1), CLASSES)
    low = Decision("threshold", 0.4, "youden", "validation")
    found = mcnemar(said, low, said, ARGMAX)
    assert (found.only_first, found.only_second, found.lesions) == (2, 1, 5)
    assert (found.exact, found.mid_p) == pytest.approx((1.0, 0.625))
    found = mcnemar(said, low, said, ARGMAX, "malignant")
    assert (found.only_first, found.only_second, found.lesions) == (2, 0, 3)
    assert (found.exact, found.mid_p) == pytest.approx((0.5, 0.25))
    assert mcnemar(said, low, said, ARGMAX, "benign").only_second == 1


def test_a_model_does_not_differ_from_itself(make_predictions):
    said = make_predictions(4, photographs=2)
    assert mcnemar(said, ARGMAX, said, ARGMAX) == McNemar(0, 0, 85, 1.0, 1.0)


def test_what_cannot_be_compared_is_refused(make_predictions):
    said = make_predictions(4)
    with pytest.raises(InputError, match="unknown class 'mel'; these models know a, b"):
        mcnemar(said, ARGMAX, said, ARGMAX, "mel")
    none = replace(said, labels=np.zeros_like(said.labels))
    with pytest.raises(InputError, match="no image of class 'b'"):
        mcnemar(none, ARGMAX, none, ARGMAX, "b")
    with pytest.raises(InputError, match="differ in labels"):
        mcnemar(said, ARGMAX, none, ARGMAX)
