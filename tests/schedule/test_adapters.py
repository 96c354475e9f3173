"""Adapters: the identity at the start, asleep bit for bit, and their formulas in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from imbalance_derm.errors import InputError
from imbalance_derm.models.contract import Model, Task
from imbalance_derm.registry.parameters import create
from imbalance_derm.schedule.adapters import AdaptiveCalibration, ClassScales
from imbalance_derm.schedule.disalign import DistributionAlignment
from imbalance_derm.schedule.lws import LearnableWeightScaling


def make(kind, classes=3, features=5):
    return ClassScales(classes) if kind is ClassScales else AdaptiveCalibration(classes, features)


def randomise(adapter: nn.Module, seed: int = 0) -> dict[str, np.ndarray]:
    generator = torch.Generator().manual_seed(seed)
    for parameter in adapter.parameters():
        parameter.data.normal_(generator=generator)
    return {name: p.detach().numpy() for name, p in adapter.named_parameters()}


@pytest.mark.parametrize("kind", [ClassScales, AdaptiveCalibration])
@pytest.mark.parametrize("classes", [1, 2, 8])
def test_at_the_start_logits_are_unchanged(kind, classes):
    adapter = make(kind, classes)
    logits, features = 30 * torch.randn(20, classes), torch.randn(20, 5)
    assert torch.equal(adapter(logits, features), logits)
    adapter.wake()
    assert torch.equal(adapter(logits, features), logits)


@pytest.mark.parametrize("kind", [ClassScales, AdaptiveCalibration])
def test_asleep_it_passes_logits_through_and_has_no_gradient(kind):
    adapter = make(kind)
    randomise(adapter)
    logits = torch.randn(20, 3, requires_grad=True)
    out = adapter(logits, torch.randn(20, 5))
    assert torch.equal(out, logits)
    out.square().sum().backward()
    assert torch.equal(logits.grad, 2 * logits.detach())
    assert all(torch.equal(p.grad, torch.zeros_like(p)) for p in adapter.parameters())
    assert all(p.ndim <= 1 for p in adapter.parameters())  # weight decay would move it


def test_class_scales_equal_the_formula():
    adapter = ClassScales(3).double()
    adapter.wake()
    scales = randomise(adapter)["scales"]
    logits = torch.randn(7, 3, dtype=torch.float64)
    expected = [[s * z for s, z in zip(scales, row, strict=True)] for row in logits.tolist()]
    np.testing.assert_allclose(adapter(logits, logits).detach().numpy(), expected)


def test_adaptive_calibration_equals_the_formula():
    adapter = AdaptiveCalibration(3, 5).double()
    adapter.wake()
    p = randomise(adapter)
    logits = torch.randn(7, 3, dtype=torch.float64, requires_grad=True)
    features = torch.randn(7, 5, dtype=torch.float64, requires_grad=True)
    z, x = logits.detach().numpy(), features.detach().numpy()
    sigma = 1 / (1 + np.exp(-(x @ p["confidence_weight"] + p["confidence_bias"])))[:, None]
    expected = sigma * (p["magnitude"] * z + p["margin"]) + (1 - sigma) * z
    np.testing.assert_allclose(adapter(logits, features).detach().numpy(), expected)
    assert torch.autograd.gradcheck(adapter, (logits, features))


@pytest.mark.parametrize("kind", [ClassScales, AdaptiveCalibration])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_extreme_logits_stay_finite(kind, dtype):
    adapter = make(kind)
    adapter.wake()
    logits = torch.tensor([[100.0, -100.0, 0.0]], dtype=dtype, requires_grad=True)
    out = adapter(logits, 1e3 * torch.ones(1, 5, dtype=dtype))
    out.float().sum().backward()
    assert torch.isfinite(out).all()
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("name", ["single_task", "cosine", "causal", "knn"])
@pytest.mark.parametrize("embeddings", [False, True])
def test_sizes_are_found_with_any_head_and_with_embeddings(name, embeddings, lab):
    head = create("head", name, {}, Task(lab.features, ("a", "b", "c")))
    model = Model(lab.model(2, embeddings).backbone, head)
    before = lab.snapshot(head)
    DistributionAlignment().adapt(model)
    assert model.adapter.magnitude.shape == (3,)
    assert model.adapter.confidence_weight.shape == (lab.features,)
    assert model.head.training
    assert all(torch.equal(tensor, before[key]) for key, tensor in head.state_dict().items())


def test_only_one_stage_can_adapt_a_model(lab):
    model = lab.model(2)
    LearnableWeightScaling().adapt(model)
    with pytest.raises(InputError, match=r"DistributionAlignment needs the place behind the head"):
        DistributionAlignment().adapt(model)


def test_scales_learn_what_balances_the_classes(lab):
    # A head that always says "class 0" by a constant: the best scale for balance is near 0.
    model = lab.model(2, embeddings=True)
    model.head.lesion.weight.data.zero_()
    model.head.lesion.bias.data = torch.tensor([2.0, 0.0])
    stage = LearnableWeightScaling(learning_rate=20.0)
    settings = lab.settings.model_copy(update={"updates": 80, "batch_size": 48})
    lab.fit(model, (stage,), lab.lesions(2, embeddings=True), settings)
    assert model.adapter.scales[0].abs() < 0.2
