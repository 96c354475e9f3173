"""Comparisons over seeds: closed forms, coverage in simulation, and the sentence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm, t
from sklearn.metrics import roc_auc_score

from imbalance_derm.errors import InputError
from imbalance_derm.evaluation.benefit import benefit
from imbalance_derm.evaluation.comparison import paired_difference
from imbalance_derm.evaluation.decision import ARGMAX, Decision, decide
from imbalance_derm.evaluation.metrics import measure
from imbalance_derm.evaluation.over_seeds import (
    contrasts_over_seeds,
    mean_over_seeds,
    paired_over_seeds,
)
from imbalance_derm.evaluation.predictions import Predictions
from imbalance_derm.evaluation.seed_comparison import SeedComparison
from imbalance_derm.experiment.record import Figure

LOW = Decision("threshold", 0.4, "youden", "validation")


def said(labels: np.ndarray, score: np.ndarray, lesions: np.ndarray | None = None) -> Predictions:
    ids = np.arange(len(labels)).astype(str)
    p = norm.cdf(score)
    lesions = ids if lesions is None else lesions
    return Predictions(ids, lesions, labels, np.stack([1 - p, p], axis=1), ("benign", "malignant"))


def compare(first, second, *metrics, decision=ARGMAX, **options) -> dict[str, SeedComparison]:
    rules = [decision] * len(first)
    return paired_over_seeds(first, rules, second, rules, metrics or None, **options)


def trained(rng, labels, seeds, *, signal=1.0, between=0.0, shared=1.0, own=0.5):
    """Models of one method: what a seed changes of its merit, and of its view of each image."""
    hard = shared * rng.normal(size=len(labels))
    return [
        said(
            labels,
            (signal + between * rng.normal()) * labels + hard + own * rng.normal(size=len(labels)),
        )
        for _ in range(seeds)
    ]


def test_one_seed_is_the_paired_difference_and_says_what_it_lacks(make_predictions):
    first, second = make_predictions(1, photographs=2), make_predictions(1, photographs=2)
    score = np.clip(first.probabilities[:, 1] + 0.1 * np.sin(np.arange(len(first.labels))), 0, 1)
    second = replace(first, probabilities=np.stack([1 - score, score], axis=1))
    found = paired_over_seeds([first], [ARGMAX], [second], [LOW], resamples=200, seed=3)
    expected = paired_difference(first, ARGMAX, second, LOW, resamples=200, seed=3)
    assert set(found) == set(expected)
    for name, comparison in found.items():
        assert comparison.difference == expected[name]
        assert comparison.seed_error is None
        assert comparison.seeds == 1


def test_mean_and_lesion_error_equal_resampling_by_hand():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], [50, 30])
    lesions = np.repeat(np.arange(40), 2).astype(str)
    first, second = (
        [replace(m, lesion_ids=lesions) for m in trained(rng, labels, 3, signal=s)]
        for s in (1.5, 1.0)
    )
    found = compare(first, second, "auc", resamples=60, seed=5)["auc"]

    def mean_difference(weights):
        return np.mean(
            [
                roc_auc_score(labels, a.probabilities[:, 1], sample_weight=weights)
                - roc_auc_score(labels, b.probabilities[:, 1], sample_weight=weights)
                for a, b in zip(first, second, strict=True)
            ]
        )

    _, lesion_of = np.unique(lesions, return_inverse=True)
    hand = np.random.default_rng(5)
    draws = [
        mean_difference(np.bincount(hand.integers(40, size=40), minlength=40)[lesion_of])
        for _ in range(60)
    ]
    assert found.difference.value == pytest.approx(mean_difference(np.ones(80)))
    assert found.lesion_error == pytest.approx(np.std(draws))
    assert found.seeds == 3


def test_standard_errors_have_their_closed_forms():
    """Accuracy of decisions that are independent between images: every variance is known."""
    rng = np.random.default_rng(1)
    n, seeds = 3000, 6
    labels = np.repeat([0, 1], n // 2)
    rates = 0.75 + 0.1 * norm.ppf((np.arange(seeds) + 0.5) / seeds)
    right = rng.random((seeds, n)) < rates[:, None]
    first = [said(labels, np.where(r == (labels == 1), 1.0, -1.0)) for r in right]
    second = [said(labels, np.where(labels == 1, 1.0, -1.0))] * seeds
    found = compare(first, second, "accuracy", resamples=3000)["accuracy"]
    values = right.mean(axis=1) - 1
    assert found.difference.value == pytest.approx(values.mean())
    lesion = np.sqrt(right.mean(axis=0).var() / n)
    assert found.lesion_error == pytest.approx(lesion, rel=0.05)
    noise = right.var(axis=1).mean() / n  # of the seeds' own draws of rights and wrongs
    seed = np.sqrt((values.var(ddof=1) - noise) / seeds)
    assert found.seed_error == pytest.approx(seed, rel=0.01)
    # Nearly all is between the six seeds: five degrees of freedom.
    error = np.hypot(seed, lesion)
    assert found.detectable == pytest.approx((t.ppf(0.975, 5) + t.ppf(0.8, 5)) * error, rel=0.03)
    # Six draws of six seeds are nearly normal; without their correction they fall 9 % short.
    assert found.difference.high - found.difference.low == pytest.approx(
        2 * t.ppf(0.975, 5) * error, rel=0.04
    )


def test_the_detectable_difference_is_2_8_standard_errors_where_lesions_decide():
    rng = np.random.default_rng(2)
    labels = np.repeat([0, 1], 60)
    one = trained(rng, labels, 1)[0], trained(rng, labels, 1)[0]
    found = compare([one[0]] * 5, [one[1]] * 5, "auc", resamples=300)["auc"]
    assert found.seed_error == 0.0
    assert found.detectable == pytest.approx(2.80 * found.lesion_error, rel=2e-3)
    assert found.difference.value == compare([one[0]], [one[1]], "auc")["auc"].difference.value


def test_a_method_does_not_differ_from_itself():
    labels = np.repeat([0, 1], [30, 12])
    models = trained(np.random.default_rng(3), labels, 4, between=0.5)
    for comparison in compare(models, models, resamples=100).values():
        assert comparison.difference == Figure(0.0, 0.0, 0.0)
        assert (comparison.lesion_error, comparison.seed_error) == (0.0, 0.0)
        assert comparison.detectable == 0.0
    sentence = benefit(comparison, "AUC", "a", "b")
    assert sentence == "AUC: a and b do not differ on any draw of the test set."


def test_swapping_the_methods_mirrors_the_interval():
    rng, labels = np.random.default_rng(4), np.repeat([0, 1], [60, 40])
    first, second = trained(rng, labels, 3, signal=1.4), trained(rng, labels, 3)
    ours, theirs = (
        compare(*pair, "auc", resamples=400)["auc"] for pair in ((first, second), (second, first))
    )
    assert ours.difference.value == -theirs.difference.value
    assert ours.difference.low == pytest.approx(-theirs.difference.high)
    assert (ours.lesion_error, ours.seed_error) == pytest.approx(
        (theirs.lesion_error, theirs.seed_error)
    )


@pytest.mark.parametrize(
    ("between", "own"),
    [(0.8, 0.3), (0.0, 1.2)],
    ids=["seeds differ in merit", "seeds differ image by image"],
)
def test_the_interval_covers_a_true_difference_of_zero(between, own):
    """Two methods of equal merit, four seeds each. Bounds of four binomial standard errors."""
    trials, hits, naive, rng = 150, 0, 0, np.random.default_rng(5)
    labels = np.repeat([0, 1], [70, 50])
    for trial in range(trials):
        first, second = (trained(rng, labels, 4, between=between, own=own) for _ in range(2))
        found = compare(first, second, "auc", resamples=200, seed=trial)["auc"]
        hits += found.difference.low <= 0 <= found.difference.high
        naive += abs(found.difference.value) < 1.96 * found.lesion_error
    error = np.sqrt(0.95 * 0.05 / trials)
    assert 0.95 - 4 * error < hits / trials
    if between:
        # Without the seeds' part the same intervals are far too narrow.
        assert naive / trials < 0.95 - 4 * error


def test_what_a_test_sets_noise_explains_is_not_counted_twice():
    """Equal merit of all seeds: their spread is that of the test lesions alone."""
    rng, labels = np.random.default_rng(6), np.repeat([0, 1], [70, 50])
    widths, truths = [], []
    for trial in range(60):
        first, second = (trained(rng, labels, 10, shared=0.0, own=1.0) for _ in range(2))
        found = compare(first, second, "auc", resamples=150, seed=trial)["auc"]
        widths.append((found.difference.high - found.difference.low) / (2 * norm.ppf(0.975)))
        truths.append(found.difference.value)
    # Counted twice or thrice it would be 1.4 to 1.7 times as wide.
    assert np.median(widths) == pytest.approx(np.std(truths), rel=0.3)


def test_chunks_and_repetition_change_nothing(monkeypatch):
    rng, labels = np.random.default_rng(7), np.repeat([0, 1], [60, 40])
    first, second = trained(rng, labels, 3), trained(rng, labels, 3)
    whole = compare(first, second, resamples=150, seed=1)
    assert compare(first, second, resamples=150, seed=1) == whole
    assert compare(first, second, resamples=150, seed=2) != whole
    monkeypatch.setattr("imbalance_derm.evaluation.intervals._CHUNK", 700)
    chunked = compare(first, second, resamples=150, seed=1)
    for name, comparison in whole.items():
        assert chunked[name].difference.low == pytest.approx(comparison.difference.low)


def test_several_classes_have_figures_by_class(make_predictions):
    first, second = make_predictions(8, (30, 20, 15)), make_predictions(8, (30, 20, 15))
    found = compare([first] * 2, [second] * 2, "auc/c", "balanced_accuracy", resamples=100)
    assert list(found) == ["auc/c", "balanced_accuracy"]


def test_a_figure_s_interval_is_that_of_its_logit_by_the_delta_method():
    rng = np.random.default_rng(7)
    labels = np.repeat([0, 1], [60, 30])
    models = trained(rng, labels, 4, signal=2.0, between=0.4)
    method = {"method": (models, [ARGMAX] * 4)}
    contrasts = contrasts_over_seeds(method, {"mean": {"method": 1}}, resamples=300)["mean"]
    for metric in ("auc", "balanced_accuracy"):
        found = contrasts[metric]
        figure = found.difference
        error = np.hypot(found.lesion_error, found.seed_error)
        wide = t.ppf(0.975, found.freedom) * error / (figure.value * (1 - figure.value))
        odds = np.log(figure.value / (1 - figure.value)) + np.array([-wide, wide])
        assert 1 / (1 + np.exp(-odds)) == pytest.approx([figure.low, figure.high])


def test_two_seeds_that_disagree_give_no_impossible_values():
    rng = np.random.default_rng(3)
    labels = np.repeat([0, 1], 40)
    models = [trained(rng, labels, 1, signal=signal)[0] for signal in (3.0, 0.0)]
    figures = mean_over_seeds(models, [ARGMAX] * 2, resamples=400)
    assert figures["auc"].low < 0.01
    assert figures["auc"].high > 0.99
    for name, figure in figures.items():
        low, high = (-1, 1) if name == "mcc" else (0, 2) if name == "brier" else (0, 1)
        assert low <= figure.low <= figure.value <= figure.high <= high
    same = trained(rng, labels, 1)[0]
    found = compare(models, [same, same], "auc", resamples=400)["auc"].difference
    assert -1 <= found.low <= found.high <= 1


def test_a_figure_without_interval_is_no_verdict():
    labels = np.array([0] * 20 + [1])
    models = trained(np.random.default_rng(9), labels, 2)
    other = trained(np.random.default_rng(10), labels, 2)
    found = compare(models, other, "auc", resamples=200)["auc"]
    assert found.difference.low is None
    assert (found.lesion_error, found.detectable) == (None, None)
    assert "cannot be compared" in benefit(found, "AUC", "a", "b")


def test_what_does_not_fit_together_is_refused(make_predictions):
    one, other = make_predictions(1), make_predictions(2)
    with pytest.raises(InputError, match="2 models of 2 decisions cannot be paired with 1 of 2"):
        paired_over_seeds([one] * 2, [ARGMAX] * 2, [one], [ARGMAX] * 2)
    with pytest.raises(InputError, match="0 models"):
        paired_over_seeds([], [], [], [])
    with pytest.raises(InputError, match="differ in labels"):
        compare([one, one], [one, other])
    with pytest.raises(InputError, match="unknown metric 'acu'"):
        compare([one], [one], "acu")


@pytest.mark.parametrize(
    ("figure", "seeds", "sentence"),
    [
        (
            Figure(0.0312, 0.0101, 0.052),
            3,
            "AUC: cyclegan is higher than none by 0.031 [0.010, 0.052].",
        ),
        (
            Figure(-0.0312, -0.052, -0.0101),
            3,
            "AUC: cyclegan is lower than none by 0.031 [0.010, 0.052].",
        ),
        (
            Figure(0.01, -0.02, 0.04),
            3,
            "AUC: no detectable benefit of cyclegan over none (0.010 [-0.020, 0.040]); a benefit "
            "of 0.043 would have been seen.",
        ),
        (
            Figure(0.0312, 0.0101, 0.052),
            1,
            "AUC: cyclegan is higher than none by 0.031 [0.010, 0.052]. One training seed each: "
            "how far another seed would move this is not known.",
        ),
    ],
)
def test_the_sentence(figure, seeds, sentence):
    comparison = SeedComparison(figure, 0.01, None if seeds == 1 else 0.011, seeds, 0.043)
    assert benefit(comparison, "AUC", "cyclegan", "none") == sentence


def test_figures_under_several_conditions_are_averaged():
    rng = np.random.default_rng(4)
    ids, labels = np.array([f"i{k}" for k in range(60)]), np.arange(60) % 2

    def said():
        p = 1 / (1 + np.exp(-rng.normal(size=60) - labels))
        return Predictions(ids, ids, labels, np.stack([1 - p, p], 1), ("benign", "malignant"))

    ours, theirs = [said() for _ in range(3)], [said() for _ in range(3)]
    found = paired_over_seeds([ours], [ARGMAX], [theirs], [ARGMAX], ["auc"], 200)["auc"]
    once = np.ones((1, 60))
    each = [
        measure(a, decide(a, ARGMAX), once)["auc"][0]
        - measure(b, decide(b, ARGMAX), once)["auc"][0]
        for a, b in zip(ours, theirs, strict=True)
    ]
    assert found.difference.value == pytest.approx(np.mean(each))
    assert found.difference.low < np.mean(each) < found.difference.high
    alone = paired_over_seeds([ours[0]], [ARGMAX], [theirs[0]], [ARGMAX], ["auc"], 200)["auc"]
    assert (
        alone
        == paired_over_seeds([ours[:1]], [ARGMAX], [theirs[:1]], [ARGMAX], ["auc"], 200)["auc"]
    )
