"""Temperature and vector scaling against searches that share no code with them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, softmax
from torch.nn import functional

from imbalance_derm.posthoc.temperature import Temperature
from imbalance_derm.posthoc.vector_scaling import VectorScaling


def nll(logits: np.ndarray, labels: np.ndarray) -> float:
    return float(-log_softmax(logits, axis=1)[np.arange(len(labels)), labels].mean())


@pytest.mark.parametrize("overconfidence", [0.3, 1.0, 6.0])
@pytest.mark.parametrize("classes", [2, 8])
def test_temperature_is_the_best_of_a_fine_grid(
    overconfidence: float, classes: int, make_logits, context
) -> None:
    logits, labels = make_logits(0, classes=classes, overconfidence=overconfidence)
    method = Temperature()
    method.fit(logits, labels, context(classes))
    found = method.facts()["temperature"]
    grid = np.geomspace(0.05, 50, 2000)
    values = [nll(logits / t, labels) for t in grid]
    best = int(np.argmin(values))
    assert grid[best - 1] < found < grid[best + 1]
    assert nll(method.apply(logits), labels) <= values[best]


def test_temperature_undoes_overconfidence(make_logits, context) -> None:
    logits, labels = make_logits(1, n=20000, classes=4, overconfidence=3.0)
    method = Temperature()
    method.fit(logits, labels, context(4))
    # Its standard error with 20 000 images is about 0.03.
    assert method.facts()["temperature"] == pytest.approx(3.0, abs=0.12)


def test_temperature_of_two_levels_has_a_closed_form(context) -> None:
    """Nine of ten are right at a difference of 5: 5 / T = log 9."""
    logits, labels = np.tile([0.0, 5.0], (10, 1)), np.array([1] * 9 + [0])
    method = Temperature()
    method.fit(logits, labels, context(2))
    assert method.facts()["temperature"] == pytest.approx(5 / np.log(9), rel=1e-9)


@pytest.mark.parametrize(("sign", "end"), [(1.0, 0.01), (-1.0, 100.0)])
def test_temperature_stops_at_its_bounds(sign: float, end: float, context) -> None:
    labels = np.array([0, 1, 0, 1])
    logits = sign * np.eye(2)[labels]
    method = Temperature()
    method.fit(logits, labels, context(2))
    assert method.facts()["temperature"] == end


@pytest.mark.parametrize("logits", [np.arange(5.0)[:, None], np.tile([2.0, 2.0], (5, 1))])
def test_temperature_that_changes_nothing_is_one(logits: np.ndarray, context) -> None:
    method = Temperature()
    method.fit(logits, np.zeros(5, int), context(logits.shape[1]))
    assert method.facts()["temperature"] == 1.0


@pytest.mark.parametrize("seed", range(5))
def test_temperature_preserves_every_ranking_within_an_image(
    seed: int, make_logits, context
) -> None:
    logits, labels = make_logits(seed, n=60, classes=5, overconfidence=4.0)
    method = Temperature()
    method.fit(logits, labels, context(5))
    found = method.apply(logits)
    assert method.facts()["temperature"] > 1.5
    np.testing.assert_array_equal(found.argsort(axis=1), logits.argsort(axis=1))
    # With two classes also the ranking of the images.
    two = make_logits(seed, n=60, classes=2, overconfidence=4.0)
    method.fit(*two, context(2))
    order = [(z[:, 1] - z[:, 0]).argsort() for z in (two[0], method.apply(two[0]))]
    np.testing.assert_array_equal(*order)


@pytest.mark.parametrize("method", [Temperature, VectorScaling])
@pytest.mark.parametrize("n", [3, 30, 300])
@pytest.mark.parametrize("seed", range(4))
def test_validation_likelihood_never_falls(method, n: int, seed: int, make_logits, context) -> None:
    for overconfidence in (0.2, 1.0, 5.0):
        logits, labels = make_logits(seed, n=n, classes=4, overconfidence=overconfidence)
        fitted = method()
        fitted.fit(logits, labels, context(4))
        assert nll(fitted.apply(logits), labels) <= nll(logits, labels) + 1e-9


def reference(logits: np.ndarray, labels: np.ndarray, ridge: float) -> tuple[np.ndarray, ...]:
    z, y = torch.from_numpy(logits), torch.from_numpy(labels)
    w = torch.ones(z.shape[1], dtype=torch.float64, requires_grad=True)
    b = torch.zeros(z.shape[1], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [w, b],
        max_iter=2000,
        tolerance_grad=1e-10,
        tolerance_change=1e-13,
        line_search_fn="strong_wolfe",
    )

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        value = functional.cross_entropy(w * z + b, y, reduction="sum")
        value = value + ridge / 2 * ((w - 1).square().sum() + b.square().sum())
        value.backward()
        return value

    optimizer.step(closure)
    return w.detach().numpy(), b.detach().numpy()


@pytest.mark.parametrize("ridge", [0.2, 1.0, 50.0])
@pytest.mark.parametrize("classes", [2, 3, 8])
def test_vector_scaling_equals_torch(ridge: float, classes: int, make_logits, context) -> None:
    logits, labels = make_logits(5, n=150, classes=classes, overconfidence=3.0)
    method = VectorScaling(ridge=ridge)
    method.fit(logits, labels, context(classes))
    scale, bias = reference(logits, labels, ridge)
    np.testing.assert_allclose(method.facts()["scale"], scale, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(method.facts()["bias"], bias, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(method.apply(logits), logits * scale + bias, rtol=1e-4, atol=1e-4)


def test_vector_scaling_of_uninformative_logits_learns_the_shares(context) -> None:
    labels = np.repeat([0, 1, 2], [70, 20, 10])
    method = VectorScaling(ridge=0.0)
    method.fit(np.zeros((100, 3)), labels, context(3))
    probabilities = softmax(method.apply(np.zeros((1, 3))), axis=1)
    np.testing.assert_allclose(probabilities, [[0.7, 0.2, 0.1]], atol=1e-6)


def test_vector_scaling_undoes_what_was_done_to_the_logits(make_logits, context) -> None:
    logits, labels = make_logits(6, n=20000, classes=3)
    scale, bias = np.array([2.0, 1.0, 0.5]), np.array([1.0, -1.0, 0.5])
    method = VectorScaling()
    method.fit(logits * scale + bias, labels, context(3))
    found = softmax(method.apply(logits * scale + bias), axis=1)
    assert np.abs(found - softmax(logits, axis=1)).mean() < 0.01


def test_vector_scaling_of_a_missing_class_is_bounded_by_the_ridge(make_logits, context) -> None:
    logits, labels = make_logits(7, classes=3)
    kept = labels < 2
    shares = []
    for ridge in (0.1, 10.0):
        method = VectorScaling(ridge=ridge)
        method.fit(logits[kept], labels[kept], context(3))
        shares.append(softmax(method.apply(logits[kept]), axis=1)[:, 2].mean())
    before = softmax(logits[kept], axis=1)[:, 2].mean()
    assert 0 < shares[0] < shares[1] < before
