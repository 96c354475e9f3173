"""Gaussian clouded logits: where the noise falls, how large it is, and that it can be absent."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from imbalance_derm.losses.contract import LossContext
from imbalance_derm.losses.gcl import GaussianCloudedLogits

COUNTS = [100.0, 10.0, 1.0]
CONTEXT = LossContext(torch.tensor(COUNTS, dtype=torch.float64))
DRAWS = 20000


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(12, 3, dtype=torch.float64, generator=generator)
    return logits.requires_grad_(), torch.arange(12) % 3


def test_value_equals_the_formula_for_the_noise_that_is_drawn():
    logits, labels = batch()
    loss = GaussianCloudedLogits(amplitude=0.4, scale=8.0)
    torch.manual_seed(3)
    noise = torch.randn(12, 3, dtype=torch.float64).tolist()
    expected = []
    for row, e, label in zip(logits.tolist(), noise, labels.tolist(), strict=True):
        clouded = [
            z - 8.0 * 0.4 * min(abs(x) / 3, 1) * math.log(max(COUNTS) / n) / math.log(100.0)
            for z, x, n in zip(row, e, COUNTS, strict=True)
        ]
        expected.append(math.log(sum(map(math.exp, clouded))) - clouded[label])

    def seeded(z: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(3)
        return loss(z, labels, CONTEXT)

    torch.testing.assert_close(seeded(logits), torch.tensor(expected, dtype=torch.float64))
    assert torch.autograd.gradcheck(seeded, (logits,))


def lowerings(label: int) -> torch.Tensor:
    """By how much the logit of class `label` was lowered relative to that of class 0."""
    logits = torch.full((DRAWS, 3), -1e4, dtype=torch.float64)  # keeps the third class out
    logits[:, [0, label]] = 0.0
    loss = GaussianCloudedLogits(amplitude=0.5, scale=6.0)
    values = loss(logits, torch.full((DRAWS,), label), CONTEXT)
    return torch.log(torch.expm1(values))  # of log(1 + exp(lowering))


@pytest.mark.parametrize(("label", "share"), [(1, 0.5), (2, 1.0)])
def test_noise_is_a_clamped_half_gaussian_that_grows_with_the_logarithm_of_rarity(label, share):
    torch.manual_seed(0)
    noise = lowerings(label) / (0.5 * 6.0 * share)
    assert noise.min() >= -1e-9
    assert 0.95 < noise.max() <= 1 + 1e-9
    # Mean of |N(0, 1/3)|, of which the clamp takes 3e-4 at most.
    assert noise.mean().item() == pytest.approx(math.sqrt(2 / math.pi) / 3, abs=0.006)
    within = (noise < 1 / 3).double().mean().item()
    assert within == pytest.approx(math.erf(1 / math.sqrt(2)), abs=0.015)


def test_the_most_frequent_class_has_no_noise():
    logits = torch.tensor([[0.0, -1e4, -1e4]], dtype=torch.float64).expand(100, 3)
    logits = logits + torch.tensor([0.0, 0.0, 1e4 - 1.0], dtype=torch.float64)
    torch.manual_seed(0)
    values = GaussianCloudedLogits()(logits, torch.zeros(100).long(), CONTEXT)
    assert values.max() <= math.log(1 + math.exp(-1.0)) + 1e-9  # only the other class is lowered


@pytest.mark.parametrize("counts", [[5.0, 5.0, 5.0], COUNTS])
def test_it_collapses_into_cross_entropy(counts):
    logits, labels = batch()
    context = LossContext(torch.tensor(counts, dtype=torch.float64))
    plain = functional.cross_entropy(logits, labels, reduction="none")
    silent = GaussianCloudedLogits(amplitude=0.0)
    torch.testing.assert_close(silent(logits, labels, context), plain)
    torch.testing.assert_close(GaussianCloudedLogits().eval()(logits, labels, context), plain)
    noisy = GaussianCloudedLogits()(logits, labels, context)
    assert torch.equal(noisy, plain) == (len(set(counts)) == 1)


@pytest.mark.parametrize("classes", [1, 2, 8])
def test_extreme_logits_and_a_class_without_images_stay_finite(classes):
    logits = torch.full((classes, classes), -100.0)
    logits[:, 0] = 100.0
    logits.requires_grad_()
    counts = LossContext(torch.arange(classes).float())
    values = GaussianCloudedLogits()(logits, torch.arange(classes), counts)
    values.sum().backward()
    assert torch.isfinite(values).all()
    assert torch.isfinite(logits.grad).all()


def test_it_looks_at_the_real_images():
    assert GaussianCloudedLogits.counts == "real"
