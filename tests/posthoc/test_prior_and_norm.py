"""Logit adjustment and tau-normalisation against Bayes' rule and a brute-force search."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import norm
from sklearn.metrics import balanced_accuracy_score

from imbalance_derm.errors import InputError
from imbalance_derm.posthoc.contract import PosthocContext
from imbalance_derm.posthoc.logit_adjustment import PosthocLogitAdjustment
from imbalance_derm.posthoc.tau_norm import TauNorm


def adjusted(logits: np.ndarray, fed: np.ndarray, **parameters: float) -> np.ndarray:
    method = PosthocLogitAdjustment(**parameters)
    # Real counts are others, and validation is empty: neither matters.
    method.fit(logits[:0], np.zeros(0, int), PosthocContext(fed[::-1] + 1, fed))
    return method.apply(logits)


def test_adjusted_logits_are_bayes_rule_under_an_even_prior() -> None:
    means, prior, x = np.array([-1.0, 0.0, 2.0]), np.array([0.9, 0.09, 0.01]), np.linspace(-5, 5)
    density = norm.pdf(x[:, None], means)
    logits = np.log(density * prior) + 7.0
    found = softmax(adjusted(logits, 300 * prior), axis=1)
    np.testing.assert_allclose(found, density / density.sum(axis=1, keepdims=True), rtol=1e-10)


def test_tau_scales_the_adjustment() -> None:
    logits, fed = np.random.default_rng(0).normal(size=(6, 3)), np.array([60.0, 30.0, 10.0])
    np.testing.assert_array_equal(adjusted(logits, fed, tau=0.0), logits)
    np.testing.assert_allclose(
        adjusted(logits, fed, tau=2.5) - logits,
        np.tile([-2.5 * np.log(0.6), -2.5 * np.log(0.3), -2.5 * np.log(0.1)], (6, 1)),
    )


def test_a_class_that_was_never_fed_is_not_raised() -> None:
    found = adjusted(np.zeros((1, 3)), np.array([50.0, 50.0, 0.0]))
    np.testing.assert_allclose(found, [[np.log(2), np.log(2), 0.0]])


def brute_force(
    features: np.ndarray, weight: np.ndarray, labels: np.ndarray
) -> tuple[float, np.ndarray]:
    best, chosen = -1.0, None
    for step in range(11):
        tau = step / 10
        scaled = np.array([row / sum(v * v for v in row) ** (tau / 2) for row in weight])
        logits = features @ scaled.T
        merit = balanced_accuracy_score(labels, logits.argmax(axis=1))
        if merit > best + 1e-12:
            best, chosen = merit, (tau, logits)
    assert chosen is not None
    return chosen


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("biased", [True, False])
def test_tau_is_the_best_of_the_grid(seed: int, biased: bool) -> None:
    rng = np.random.default_rng(seed)
    counts = np.array([150.0, 40.0, 10.0])
    labels = np.repeat([0, 1, 2], counts.astype(int))
    centres = np.eye(3, 4)
    features = centres[labels] + 0.5 * rng.normal(size=(200, 4))
    # Frequent classes have large weights, as after training on them.
    weight = (centres + 0.1 * rng.normal(size=(3, 4))) * np.sqrt(counts)[:, None] / 5
    bias = rng.normal(size=3) if biased else None
    logits = features @ weight.T + (0.0 if bias is None else bias)
    method = TauNorm()
    method.fit(logits, labels, PosthocContext(counts, counts, weight, bias))
    tau, expected = brute_force(features, weight, labels)
    assert method.facts()["tau"] == tau
    np.testing.assert_allclose(method.apply(logits), expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(method.facts()["norms"], np.sqrt((weight**2).sum(axis=1)))


def test_the_search_moves_tau_and_ties_go_to_the_smaller() -> None:
    labels, counts = np.array([0, 1]), np.array([9.0, 1.0])
    weight = np.array([[10.0, 0.0], [0.0, 1.0]])
    found = []
    for features in (np.array([[1.0, 0.4], [0.15, 1.0]]), np.array([[1.0, 0.4], [0.0, 1.0]])):
        method = TauNorm()
        method.fit(features @ weight.T, labels, PosthocContext(counts, counts, weight))
        found.append(method.facts()["tau"])
    # 1.5 / 10 ** tau < 1 from tau = 0.2 on; the second pair is right at every tau.
    assert found == [0.2, 0.0]


def test_a_class_missing_from_validation_does_not_count() -> None:
    counts, weight = np.array([9.0, 1.0, 1.0]), np.diag([10.0, 1.0, 1.0])
    features = np.array([[1.0, 0.4, 0.0], [0.15, 1.0, 0.0]])
    method = TauNorm()
    method.fit(features @ weight.T, np.array([0, 1]), PosthocContext(counts, counts, weight))
    assert method.facts()["tau"] == 0.2


def test_weights_of_zero_keep_their_logit() -> None:
    counts, weight = np.ones(2), np.array([[2.0, 0.0], [0.0, 0.0]])
    bias, labels = np.array([0.3, 0.7]), np.array([0, 1])
    logits = np.array([[1.0, 0.0], [-1.0, 0.0]]) @ weight.T + bias
    method = TauNorm()
    method.fit(logits, labels, PosthocContext(counts, counts, weight, bias))
    np.testing.assert_allclose(method.apply(logits), [[2.0, 0.0], [-2.0, 0.0]], atol=1e-12)


def test_a_head_without_a_linear_layer_is_refused() -> None:
    with pytest.raises(InputError, match=r"tau_norm needs logits .* linear layer"):
        TauNorm().fit(np.zeros((2, 2)), np.array([0, 1]), PosthocContext(np.ones(2), np.ones(2)))
