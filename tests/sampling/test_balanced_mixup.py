"""Balanced-MixUp: shares, partners and the classes that come of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import chisquare, kstest

from imbalance_derm.losses.contract import ClassCounts
from imbalance_derm.models.contract import Batch
from imbalance_derm.registry.parameters import create
from imbalance_derm.sampling.contract import SamplingContext
from imbalance_derm.sampling.mixers.balanced_mixup import BalancedMixup
from imbalance_derm.sampling.mixing import MixingContext, mix_batch

CONTEXT = MixingContext(torch.tensor([900.0, 80.0, 20.0]))


def mix(mixer: BalancedMixup, inputs: torch.Tensor, seed: int = 0):
    labels = torch.zeros(len(inputs), dtype=torch.int64)
    return mixer.mix(inputs, labels, CONTEXT, np.random.default_rng(seed))


@pytest.mark.parametrize("alpha", [0.1, 0.2, 1.0, 3.0])
def test_the_share_of_the_balanced_row_follows_beta_alpha_1(alpha):
    mixed = mix(BalancedMixup(alpha=alpha), torch.zeros(8000, 1), seed=1)
    balanced = 1 - mixed.weights.double().numpy()
    # 32 bits round the smallest shares, by less than the test can see where they are not 0.
    kept = balanced > 1e-4
    assert kept.mean() == pytest.approx(1 - 1e-4**alpha, abs=0.03)
    law = lambda s: (s**alpha - 1e-4**alpha) / (1 - 1e-4**alpha)  # noqa: E731
    assert kstest(balanced[kept], law).pvalue > 0.01
    assert balanced.mean() == pytest.approx(alpha / (1 + alpha), abs=0.015)


@pytest.mark.parametrize("shape", [(3, 5, 5), (7,)])
def test_rows_and_labels_by_hand(shape):
    x = torch.rand(20, *shape, generator=torch.Generator().manual_seed(0))
    mixed = mix(BalancedMixup(), x, seed=4)
    share = np.random.default_rng(4).beta(0.2, 1.0, 10)
    for row in range(10):
        expected = (1 - share[row]) * x[row].numpy() + share[row] * x[10 + row].numpy()
        np.testing.assert_allclose(mixed.inputs[row], expected, atol=1e-6)
    np.testing.assert_allclose(mixed.weights, 1 - share, atol=1e-6)
    assert torch.equal(mixed.partners, torch.arange(10, 20))


def test_a_vanishing_alpha_leaves_the_run_s_rows_alone():
    x = torch.rand(20, 6, generator=torch.Generator().manual_seed(0))
    mixed = mix(BalancedMixup(alpha=1e-3), x)
    torch.testing.assert_close(mixed.inputs, x[:10])
    torch.testing.assert_close(mixed.weights, torch.ones(10))


def test_classes_have_the_mixture_of_the_prior_and_equal_shares():
    """Two streams as the loop feeds them; the mass of labels, and the partners' classes."""
    labels, mixer = np.repeat([0, 1, 2], [900, 80, 20]), BalancedMixup()
    context = SamplingContext(labels, classes=3)
    streams = [
        np.concatenate([create("sampler", name).order(context, np.random.default_rng([seed, i]))
                        for i in range(6)])
        for seed, name in enumerate(["shuffle", mixer.second_sampler])
    ]  # fmt: skip
    drawn = torch.from_numpy(labels[np.concatenate(streams)])
    counts, rows = ClassCounts(CONTEXT.class_counts, CONTEXT.class_counts), len(drawn)
    batch = Batch(torch.zeros(rows, 1), drawn, torch.full((rows,), -1))
    own, partner = mix_batch(mixer, batch, counts, 0.0, np.random.default_rng(0))
    assert np.bincount(own.labels).tolist() == [5400, 480, 120]
    assert chisquare(np.bincount(partner.labels)).pvalue > 0.01
    mass = np.zeros(3)
    for half in (own, partner):
        np.add.at(mass, half.labels.numpy(), half.weights.numpy())
    expected = (5 / 6) * np.array([0.9, 0.08, 0.02]) + (1 / 6) / 3
    np.testing.assert_allclose(mass / 6000, expected, atol=0.01)
