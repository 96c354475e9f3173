"""Class weights against closed forms in exact or float64 arithmetic, and their limits."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch

from imbalance_derm.losses.class_weights import (
    effective_number_weights,
    inverse_frequency_weights,
)

COUNTS = [6705, 514, 115, 1]


def scaled(raw: list[float]) -> list[float]:
    return [len(raw) * w / sum(raw) for w in raw]


@pytest.mark.parametrize("beta", ["0.5", "0.9", "0.999", "0.9999", "0.9999999"])
def test_effective_number_weights_equal_exact_arithmetic_in_float32(beta):
    b = Fraction(beta)
    raw = [float((1 - b) / (1 - b**n)) for n in COUNTS]
    weights = effective_number_weights(torch.tensor(COUNTS, dtype=torch.float32), float(b))
    # 1 - beta ** n taken directly is off by 1e-4 already at beta 0.9999 and n = 1.
    torch.testing.assert_close(weights, torch.tensor(scaled(raw)), rtol=2e-6, atol=0.0)


def test_the_effective_number_is_that_of_the_geometric_series():
    # E[n] = 1 + beta + ... + beta ** (n - 1): what each further image adds shrinks by beta.
    series = [sum(0.8**k for k in range(n)) for n in (1, 2, 5)]
    weights = effective_number_weights(torch.tensor([1.0, 2.0, 5.0], dtype=torch.float64), 0.8)
    expected = torch.tensor(scaled([1 / e for e in series]), dtype=torch.float64)
    torch.testing.assert_close(weights, expected)


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_inverse_frequency_weights_equal_the_formula(power):
    weights = inverse_frequency_weights(torch.tensor(COUNTS, dtype=torch.float64), power)
    expected = torch.tensor(scaled([n**-power for n in COUNTS]), dtype=torch.float64)
    torch.testing.assert_close(weights, expected)


def test_beta_goes_from_equal_weights_to_inverse_frequency():
    counts = torch.tensor(COUNTS, dtype=torch.float64)
    torch.testing.assert_close(
        effective_number_weights(counts, 0.0), torch.ones(4, dtype=torch.float64)
    )
    torch.testing.assert_close(
        effective_number_weights(counts, 1 - 1e-13), inverse_frequency_weights(counts, 1.0)
    )


@pytest.mark.parametrize("beta", [0.0, 0.9999])
def test_a_class_without_images_weighs_nothing_and_changes_nothing(beta):
    for weigh in (
        lambda counts: effective_number_weights(counts, beta),
        lambda counts: inverse_frequency_weights(counts, 0.5),
    ):
        without = weigh(torch.tensor([0.0, 40.0, 2.0, 0.0]))
        assert without[[0, 3]].tolist() == [0.0, 0.0]
        torch.testing.assert_close(without[1:3], weigh(torch.tensor([40.0, 2.0])))
        torch.testing.assert_close(without.sum(), torch.tensor(2.0))
    assert effective_number_weights(torch.tensor([7.0]), beta).tolist() == [1.0]
