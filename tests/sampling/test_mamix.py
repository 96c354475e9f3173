"""MAMix: label shares by plain NumPy, and where it is mixup."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from imbalance_derm.sampling.mixers.mamix import MAMix
from imbalance_derm.sampling.mixers.mixup import Mixup
from imbalance_derm.sampling.mixing import MixingContext

GRID = np.linspace(0.0, 1.0, 101)
PAIRS = [(1000, 10), (10, 1000), (7, 7), (1, 25331), (33126, 584), (123, 122)]


def shares_of(mixer: MAMix, shares: np.ndarray, own: float, other: float) -> np.ndarray:
    n = len(shares)
    given = torch.from_numpy(shares).float(), torch.full((n,), own), torch.full((n,), other)
    return mixer.label_shares(*given).numpy()


@pytest.mark.parametrize("omega", [0.1, 0.25, 1.0])
@pytest.mark.parametrize(("own", "other"), PAIRS)
def test_label_shares_by_interpolation_of_three_points(own, other, omega):
    """In the paper's terms: the partner's share of the input against the row's of the label."""
    margin, others = own**-omega, other**-omega
    even = margin / (margin + others)
    expected = np.interp(1 - GRID, [0.0, even, 1.0], [1.0, 0.5, 0.0])
    found = shares_of(MAMix(omega=omega), GRID, own, other)
    np.testing.assert_allclose(found, expected, atol=2e-6)


@pytest.mark.parametrize(("own", "other"), PAIRS)
def test_the_rarer_class_has_the_larger_share_and_both_add_up_to_one(own, other):
    found = shares_of(MAMix(), GRID, own, other)
    partner = shares_of(MAMix(), 1 - GRID, other, own)
    np.testing.assert_allclose(found + partner, 1.0, atol=1e-6)
    assert (np.diff(found) > 0).all()
    inside = (GRID > 0) & (GRID < 1)
    assert (
        np.sign(found - GRID)[inside & (np.abs(found - GRID) > 1e-5)] == np.sign(other - own)
    ).all()


def batch(n: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.rand(n, 6, generator=torch.Generator().manual_seed(0)), torch.arange(n) % 2


@pytest.mark.parametrize(("omega", "counts"), [(0.25, [40.0, 40.0]), (0.0, [1000.0, 3.0])])
def test_it_is_mixup_where_classes_are_equally_frequent_or_omega_is_zero(omega, counts):
    context = MixingContext(torch.tensor(counts))
    ours = MAMix(alpha=0.4, omega=omega).mix(*batch(), context, np.random.default_rng(0))
    plain = Mixup(alpha=0.4).mix(*batch(), context, np.random.default_rng(0))
    assert torch.equal(ours.inputs, plain.inputs)
    assert torch.equal(ours.partners, plain.partners)
    torch.testing.assert_close(ours.weights, plain.weights, rtol=0, atol=1e-6)


def test_a_batch_has_the_inputs_of_mixup_and_its_labels_by_hand():
    counts, (x, y) = np.array([1000.0, 10.0]), batch()
    mixed = MAMix().mix(x, y, MixingContext(torch.tensor(counts)), np.random.default_rng(3))
    drawn = np.random.default_rng(3)
    partners, share = drawn.permutation(64), drawn.beta(1.0, 1.0, 64)
    np.testing.assert_array_equal(mixed.partners, partners)
    wide = share[:, None]
    np.testing.assert_allclose(mixed.inputs, wide * x.numpy() + (1 - wide) * x.numpy()[partners],
                               atol=1e-6)  # fmt: skip
    margin = counts[y.numpy()] ** -0.25
    even = margin / (margin + margin[partners])
    for row in range(64):
        expected = np.interp(1 - share[row], [0.0, even[row], 1.0], [1.0, 0.5, 0.0])
        assert float(mixed.weights[row]) == pytest.approx(expected, abs=2e-6)


@pytest.mark.parametrize(("own", "other"), [(0, 0), (0, 1e6), (1e6, 0), (1, 1e6), (1e6, 1)])
@pytest.mark.parametrize("omega", [0.25, 10.0, 100.0])
def test_no_image_at_all_and_extreme_margins(own, other, omega):
    found = shares_of(MAMix(omega=omega), GRID, own, other)
    assert ((found >= 0) & (found <= 1)).all()
    assert found[-1] == 1.0
    np.testing.assert_array_equal(
        found, shares_of(MAMix(omega=omega), GRID, max(own, 1), max(other, 1))
    )
