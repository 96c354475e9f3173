"""Every registered stage after a plain one, trained for a few updates, on images and embeddings."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from accelerate import Accelerator

from imbalance_derm.errors import InputError
from imbalance_derm.registry.manager import installed
from imbalance_derm.registry.parameters import create
from imbalance_derm.schedule.joint import Joint
from imbalance_derm.training.inference import predict_logits

NAMES = installed().names("stage")
FEEDS = [
    pytest.param(name, classes, embeddings, id=f"{name}-{classes}-{feed}")
    for name in NAMES
    for classes in (2, 8)
    for embeddings, feed in ((False, "images"), (True, "embeddings"))
    if not (embeddings and create("stage", name).needs_images)
]


def among(name: str, beginnings: tuple[str, ...]) -> bool:
    return any(name.startswith(f"{each}.") for each in beginnings)


def watch(stage, lab):
    """Record the model when the stage starts, and the gradients of its updates."""
    seen, objective = {"gradients": {}}, stage.objective

    def watched(step):
        parameters = [*step.model.named_parameters(), *stage.named_parameters(prefix="stage")]
        if "start" not in seen:
            seen["start"] = lab.snapshot(step.model)
            seen["stage"] = lab.snapshot(stage)
            seen["trained"] = [name for name, p in parameters if p.requires_grad]
            for _, p in parameters:
                p.grad = None  # of the stage before
        else:
            for name, p in parameters:
                if p.grad is not None:
                    seen["gradients"][name] = p.grad.clone()
        return objective(step)

    stage.objective = watched
    return seen


@pytest.mark.parametrize(("name", "classes", "embeddings"), FEEDS)
def test_a_stage_freezes_reinitialises_and_trains_what_it_says(name, classes, embeddings, lab):
    data, model = lab.lesions(classes, embeddings), lab.model(classes, embeddings)
    stage, looks = create("stage", name), []
    seen = watch(stage, lab)

    def validate(model):
        looks.append(lab.snapshot(model))
        return 0.5

    lab.fit(model, (Joint(), stage), data, validate=validate)
    before, start, after = looks[0], seen["start"], lab.snapshot(model)
    parameters = dict(model.named_parameters())
    for key, tensor in start.items():
        renewed = key in parameters and among(key, stage.reinitialises)
        if key != "adapter.awake":
            assert torch.equal(tensor, before[key]) != renewed, key
    for key, tensor in after.items():
        frozen = among(key, stage.freezes) and not (stage.moves_statistics and "running" in key)
        if key in parameters:
            assert torch.equal(tensor, start[key]) == frozen, key
            assert (key in seen["trained"]) != frozen, key
        elif frozen and not stage.moves_statistics:
            assert torch.equal(tensor, start[key]), key
        elif "running" in key:
            assert not torch.equal(tensor, start[key]), key
    for key, tensor in lab.snapshot(stage).items():
        trained = f"stage.{key}" in seen["trained"]
        assert torch.equal(tensor, seen["stage"][key]) != trained, key
    assert seen["trained"]
    assert set(seen["gradients"]) == set(seen["trained"])
    assert all(torch.isfinite(gradient).all() for gradient in seen["gradients"].values())


@pytest.mark.parametrize(("name", "classes", "embeddings"), FEEDS)
def test_an_adapter_sleeps_until_its_stage_and_its_weights_can_be_loaded(
    name, classes, embeddings, lab
):
    data, model = lab.lesions(classes, embeddings), lab.model(classes, embeddings)
    plain, stage, looks = lab.model(classes, embeddings), create("stage", name), []
    stage.adapt(model)
    fresh = lab.snapshot(model)
    model.adapter = None

    def validate(model):
        looks.append(lab.snapshot(model))
        return 0.5

    lab.fit(model, (Joint(), stage), data, validate=validate)
    lab.fit(plain, (Joint(),), data, lab.settings.model_copy(update={"updates": 4}))
    for key, tensor in looks[0].items():
        if key.startswith("adapter."):
            assert torch.equal(tensor, fresh[key]), key
    if not stage.moves_statistics and stage.freezes == ("backbone", "head"):
        for key, tensor in plain.state_dict().items():
            trained_without_adapter = model.state_dict()[key]
            assert torch.equal(tensor, trained_without_adapter), key
    loaded = lab.model(classes, embeddings, seed=99)
    create("stage", name).adapt(loaded)
    loaded.load_state_dict(lab.snapshot(model))
    accelerator = Accelerator(cpu=True)
    logits = predict_logits(model, data.samples, accelerator)
    np.testing.assert_array_equal(predict_logits(loaded, data.samples, accelerator), logits)
    assert logits.shape == (len(data.labels), classes)
    assert np.isfinite(logits).all()


@pytest.mark.parametrize(("at", "average"), [(4, "none"), (6, "swa")])
@pytest.mark.parametrize("name", NAMES)
def test_killed_and_resumed_equals_uninterrupted(name, at, average, lab):
    data = lab.lesions(2)
    settings = lab.settings.model_copy(update={"average": average, "validations": 4})

    def run(model, checkpoint=None):
        stages = (Joint(), create("stage", name))
        return lab.fit(model, stages, data, settings, checkpoint)

    whole, killed, resumed = lab.model(2), lab.model(2), lab.model(2, seed=99)
    history, checkpoint = run(whole), lab.Checkpoint(at)
    with pytest.raises(lab.Killed):
        run(killed, checkpoint)
    assert run(resumed, checkpoint) == history
    for key, tensor in whole.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[key]), key


@pytest.mark.parametrize("name", [n for n in NAMES if create("stage", n).needs_images])
def test_what_needs_images_refuses_embeddings(name, lab):
    data, model = lab.lesions(2, embeddings=True), lab.model(2, embeddings=True)
    with pytest.raises(InputError, match=r"needs images.*leave the stage out"):
        lab.fit(model, (Joint(), create("stage", name)), data)


@pytest.mark.parametrize("name", NAMES)
def test_a_stage_works_alone_and_with_mixup(name, lab):
    model = lab.model(8)
    history = lab.fit(
        model, (create("stage", name),), lab.lesions(8), mixer=create("mixer", "mixup")
    )
    assert history.taken == 8
    assert all(torch.isfinite(tensor).all() for tensor in model.state_dict().values())
    assert np.isfinite(history.losses).all()
