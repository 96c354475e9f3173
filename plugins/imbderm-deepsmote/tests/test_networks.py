# ruff: noqa: D100, D103
from __future__ import annotations

import numpy as np
import pytest
import torch
from imbderm_deepsmote.networks import Autoencoder, Decoder, Encoder, halvings
from torch import nn

from imbalance_derm.errors import InputError
from imbalance_derm.synth.pixels import to_images, to_tensor


@pytest.mark.parametrize(("size", "blocks", "bottom"), [(32, 3, 4), (64, 4, 4), (128, 5, 4)])
def test_shapes(size, blocks, bottom):
    encoder, decoder = Encoder(size, 2, 9), Decoder(size, 2, 9)
    assert encoder(torch.zeros(2, 3, size, size)).shape == (2, 9)
    made = decoder(torch.randn(2, 9))
    assert made.shape == (2, 3, size, size)
    assert made.abs().max() <= 1
    kinds = [sum(isinstance(layer, kind) for layer in (*encoder, *decoder))
             for kind in (nn.Conv2d, nn.ConvTranspose2d)]  # fmt: skip
    assert kinds == [blocks, blocks]
    # Channels double up to eight times the first.
    assert encoder[-1].in_features == 2 * 2 ** min(blocks - 1, 3) * bottom**2


def test_the_number_of_weights_by_hand():
    # 64 px, 8 filters: 3-8-16-32-64 channels, 4x4 kernels, a 4x4 map at the bottom, code of 5.
    kernels = 16 * (3 * 8 + 8 * 16 + 16 * 32 + 32 * 64)
    encoder = kernels + 8 + 2 * (16 + 32 + 64) + (64 * 16 + 1) * 5
    decoder = kernels + 3 + 2 * (32 + 16 + 8) + (5 + 1) * 64 * 16
    network = Autoencoder(64, 8, 5)
    assert sum(p.numel() for p in network.encoder.parameters()) == encoder
    assert sum(p.numel() for p in network.decoder.parameters()) == decoder


@pytest.mark.parametrize(("size", "near"), [(100, 96), (30, 28), (250, 256), (7, 8), (72, 64)])
def test_a_side_that_does_not_divide_names_the_nearest_that_does(size, near):
    with pytest.raises(InputError, match=f"which {size} px .* data.image_size={near}$"):
        Encoder(size, 2, 9)
    assert Autoencoder(near, 1, 3)(torch.zeros(1, 3, near, near)).shape == (1, 3, near, near)


def test_halvings_leave_four_to_seven():
    for size in range(8, 300):
        try:
            left = size / 2 ** halvings(size)
        except InputError:
            assert all(size != bottom * 2**n for bottom in (4, 5, 6, 7) for n in range(1, 8))
        else:
            assert left in {4, 5, 6, 7}


def test_images_map_to_and_from_the_networks_without_loss():
    every = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 16, 16, 3)
    np.testing.assert_array_equal(to_images(to_tensor(every, torch.device("cpu"))), every)
