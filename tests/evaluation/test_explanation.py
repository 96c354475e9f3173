"""Grad-CAM on networks whose answer is known on paper, and the choice of images for it."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from torch import nn

from imbalance_derm.evaluation.decision import ARGMAX, Decision
from imbalance_derm.evaluation.explanation import grad_cam, worst_errors
from imbalance_derm.evaluation.predictions import Predictions
from imbalance_derm.models.contract import Backbone, Head, Model, Outputs

WEIGHTS = torch.tensor([[-1.0, 2.0, 0.0], [1.0, -2.0, 0.5]])


class LinearHead(Head):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 2)
        self.layer.weight.data = WEIGHTS.clone()

    def forward(self, features: torch.Tensor) -> Outputs:
        return Outputs(self.layer(features))


def _model(network: nn.Module, mean: float = 0.0, std: float = 1.0) -> Model:
    return Model(Backbone(network, 3, (mean,) * 3, (std,) * 3, "toy"), LinearHead())


def _identity() -> nn.Module:
    """Feature maps that are the image's own channels."""
    layer = nn.Conv2d(3, 3, 1, bias=False)
    layer.weight.data = torch.eye(3).view(3, 3, 1, 1)
    return layer


def test_map_is_the_weighted_sum_of_feature_maps() -> None:
    """With average pooling and a linear head, Grad-CAM is CAM: ReLU(sum_k w_k A_k), scaled."""
    images = np.random.default_rng(0).integers(0, 256, size=(40, 6, 6, 3)).astype(np.uint8)
    labels = np.arange(40) // 3 % 2
    maps = grad_cam(_model(_identity(), mean=0.5, std=0.25), images, labels)
    features = (images / 255.0 - 0.5) / 0.25
    evidence = np.maximum(np.einsum("nhwc,nc->nhw", features, WEIGHTS.numpy()[labels]), 0)
    expected = evidence / evidence.max(axis=(1, 2), keepdims=True)
    assert maps.dtype == np.float32
    np.testing.assert_allclose(maps, expected, atol=1e-5)


def test_each_image_is_explained_for_its_own_label() -> None:
    # Red speaks for class 1, green for class 0.
    images = np.zeros((2, 4, 4, 3), dtype=np.uint8)
    images[:, 0, 0, 0] = 255
    images[:, 3, 3, 1] = 255
    maps = grad_cam(_model(_identity()), images, np.array([1, 0]))
    expected = np.zeros((2, 4, 4))
    expected[0, 0, 0] = expected[1, 3, 3] = 1
    np.testing.assert_allclose(maps, expected, atol=1e-6)


def test_no_evidence_is_an_empty_map() -> None:
    green = np.zeros((1, 4, 4, 3), dtype=np.uint8)
    green[..., 1] = 200
    assert grad_cam(_model(_identity()), green, np.array([1])).max() == 0


def test_coarse_maps_are_enlarged_to_the_image() -> None:
    network = nn.Sequential(_identity(), nn.AvgPool2d(4))
    image = np.zeros((1, 16, 16, 3), dtype=np.uint8)
    image[0, 8:12, 4:8, 0] = 255
    maps = grad_cam(_model(network), image, np.array([1]))
    assert maps.shape == (1, 16, 16)
    row, column = np.unravel_index(maps[0].argmax(), (16, 16))
    assert 8 <= row < 12
    assert 4 <= column < 8


def test_frozen_backbone_can_be_explained_and_nothing_is_left_behind() -> None:
    model = _model(nn.Sequential(_identity(), nn.BatchNorm2d(3), nn.ReLU(inplace=True)))
    model.backbone.requires_grad_(False)
    model.train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    images = np.random.default_rng(1).integers(0, 256, size=(2, 4, 4, 3)).astype(np.uint8)
    images.flags.writeable = False  # the store is a read-only memory map
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        maps = grad_cam(model, images, np.array([0, 1]))
    assert maps.max() == pytest.approx(1.0)
    assert model.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_model_on_embeddings_has_no_map() -> None:
    assert grad_cam(Model(None, LinearHead()), np.zeros((1, 4, 4, 3), np.uint8), [0]) is None


def test_worst_errors_are_the_most_confident_wrong_ones() -> None:
    ids = np.array(list("abcdef"))
    p = np.array([0.9, 0.05, 0.6, 0.3, 0.7, 0.35])
    labels = np.array([0, 1, 0, 0, 1, 1])
    said = Predictions(ids, ids, labels, np.stack([1 - p, p], axis=1), ("benign", "malignant"))
    # At 0.5 a, b, c and f are wrong; their true class has 0.1, 0.05, 0.4 and 0.35.
    assert worst_errors(said, ARGMAX, 10).tolist() == [1, 0, 5, 2]
    assert worst_errors(said, ARGMAX, 2).tolist() == [1, 0]
    # At 0.25 f is right and d is wrong, though it is benign at 0.7.
    low = Decision("threshold", 0.25, "youden", "validation")
    assert worst_errors(said, low, 10).tolist() == [1, 0, 2, 3]
