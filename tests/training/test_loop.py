"""The loop: budget, best look, exact resumption, and equality with a loop written by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from torch import nn
from torch.nn import functional

from imbalance_derm.data.lesions import LesionSet
from imbalance_derm.experiment.spec import TrainSection
from imbalance_derm.losses.cross_entropy import CrossEntropy
from imbalance_derm.models.contract import Backbone, Model, Task
from imbalance_derm.models.heads.single_task import SingleTask
from imbalance_derm.registry.parameters import create
from imbalance_derm.sampling.mixers.mixup import Mixup
from imbalance_derm.sampling.mixers.none import NoMixing
from imbalance_derm.sampling.shuffle import Shuffle
from imbalance_derm.training.context import TrainingContext, seed_step
from imbalance_derm.training.inference import embed, predict
from imbalance_derm.training.loop import train_classifier, updates_of
from imbalance_derm.training.optimisation import learning_rate, make_optimizer
from imbalance_derm.training.pool import Pool


def lesions(n: int = 40, size: int = 16) -> LesionSet:
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 4 // 3
    images = rng.integers(0, 120, (n, size, size, 3), dtype=np.uint8) + (labels * 90)[
        :, None, None, None
    ].astype(np.uint8)
    ids = np.array([f"i{k}" for k in range(n)])
    return LesionSet(images, labels, np.full(n, -1), ids, ids, ("benign", "malignant"), ())


def model(seed: int = 0) -> Model:
    torch.manual_seed(seed)
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3, 2, 1)
    )
    backbone = Backbone(network, 8, (0.5,) * 3, (0.5,) * 3, "random")
    return Model(backbone, SingleTask(Task(8, ("benign", "malignant"))))


SETTINGS = TrainSection(updates=30, batch_size=8, validations=3, learning_rate=1e-2)


class Killed(Exception):
    pass


class MemoryCheckpoint:
    """Saves after every step; kills the training at step `at`."""

    def __init__(self, at: int | None = None) -> None:
        self.state, self.steps, self.at = None, 0, at

    def load(self):
        return self.state

    def save(self, state) -> None:
        clone = lambda v: (  # noqa: E731
            v.clone()
            if isinstance(v, torch.Tensor)
            else {k: clone(x) for k, x in v.items()}
            if isinstance(v, dict)
            else [clone(x) for x in v]
            if isinstance(v, list)
            else v
        )
        self.state = clone(state)
        self.steps += 1
        if self.steps == self.at:
            raise Killed

    def due(self) -> bool:
        return True


def fit(
    m: Model, settings=SETTINGS, checkpoint=None, validate=None, loss=None, looked=None, mixer=None
):
    data = lesions()
    accelerator = Accelerator(cpu=True)

    def auc(current: Model) -> float:
        said = predict(current, data.samples, accelerator)[:, 1]
        positive = said[data.labels == 1]
        return float((positive[:, None] > said[data.labels == 0]).mean())

    context = TrainingContext(accelerator, seed=3)
    if checkpoint is not None:
        context.checkpoint = checkpoint
    arguments = [] if looked is None else [looked]
    return train_classifier(
        m, Pool.of(data), loss or CrossEntropy(), Shuffle(), mixer or NoMixing(), settings,
        validate or auc, context, *arguments,
    )  # fmt: skip


@pytest.mark.parametrize("at", [1, 7, 11, 29])
def test_killed_and_resumed_equals_uninterrupted(at):
    whole = model()
    history = fit(whole)
    killed, checkpoint = model(), MemoryCheckpoint(at)
    with pytest.raises(Killed):
        fit(killed, checkpoint=checkpoint)
    resumed = model(seed=99)
    again = fit(resumed, checkpoint=checkpoint)
    assert again == history
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name


def test_the_loop_equals_one_written_by_hand():
    settings = TrainSection(
        updates=12, batch_size=8, validations=1, augment="none", warmup=0.0, schedule="constant",
        learning_rate=1e-3, weight_decay=0.0,
    )  # fmt: skip
    ours, theirs, data = model(), model(), lesions()
    ours.head.dropout.p = theirs.head.dropout.p = 0.0
    fit(ours, settings)
    optimizer = torch.optim.AdamW(theirs.parameters(), lr=1e-3, weight_decay=0.0)
    theirs.train()
    update = 0
    for number in range(3):  # 40 rows in batches of 8: five a pass
        order = np.random.default_rng([3, number]).permutation(40)
        for start in range(0, 40, 8):
            if update == 12:
                break
            rows = order[start : start + 8]
            images = torch.from_numpy(data.samples[rows]).permute(0, 3, 1, 2) / 255
            logits = theirs(images)[0].logits
            loss = functional.cross_entropy(logits, torch.from_numpy(data.labels[rows]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            update += 1
    for name, tensor in theirs.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], tensor, rtol=1e-4, atol=1e-6)


def test_with_mixup_the_loop_equals_one_written_by_hand_with_soft_labels():
    settings = TrainSection(
        updates=7, batch_size=8, validations=1, augment="none", warmup=0.0, schedule="constant",
        learning_rate=0.1, weight_decay=0.0, optimizer="SGD",
    )  # fmt: skip
    ours, theirs, data = model(), model(), lesions()
    ours.head.dropout.p = theirs.head.dropout.p = 0.0
    mixed = []

    class Remembered(Mixup):
        def mix(self, *given):
            mixed.append(super().mix(*given))
            return mixed[-1]

    fit(ours, settings, mixer=Remembered(alpha=1.0))
    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.1)
    theirs.train()
    for update in range(7):
        order = np.random.default_rng([3, update // 5]).permutation(40)
        rows = order[update % 5 * 8 : update % 5 * 8 + 8]
        drawn = np.random.default_rng([3, update, 1])
        partners, share = drawn.permutation(8), drawn.beta(1.0, 1.0, 8).astype(np.float32)
        images = data.samples[rows].transpose(0, 3, 1, 2) / np.float32(255)
        wide = share[:, None, None, None]
        whole = np.eye(2, dtype=np.float32)[data.labels[rows]]
        soft = share[:, None] * whole + (1 - share[:, None]) * whole[partners]
        logits = theirs(torch.from_numpy(wide * images + (1 - wide) * images[partners]))[0].logits
        loss = functional.cross_entropy(logits, torch.from_numpy(soft))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert len({tuple(m.weights.tolist()) for m in mixed}) == 7
    for name, tensor in theirs.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], tensor, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["mixup", "cutmix", "remix"])
def test_killed_and_resumed_with_a_mixer_equals_uninterrupted(name):
    whole, mixer = model(), create("mixer", name)
    history = fit(whole, mixer=mixer)
    checkpoint = MemoryCheckpoint(11)
    with pytest.raises(Killed):
        fit(model(), checkpoint=checkpoint, mixer=mixer)
    resumed = model(seed=99)
    assert fit(resumed, checkpoint=checkpoint, mixer=mixer) == history
    for key, tensor in whole.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[key]), key


def test_the_best_look_is_kept_and_nan_never_wins():
    figures = iter([0.4, float("nan"), 0.3])
    states = []

    def validate(current: Model) -> float:
        states.append({k: v.clone() for k, v in current.state_dict().items()})
        return next(figures)

    m = model()
    history = fit(m, validate=validate)
    assert history.best == (10, 0.4)
    assert all(torch.equal(m.state_dict()[k], states[0][k]) for k in states[0])


def test_early_stopping_counts_looks_without_improvement():
    figures = iter([0.5, 0.6, 0.6, 0.1, 0.9, 0.9])
    looks = []
    settings = SETTINGS.model_copy(update={"updates": 60, "validations": 6, "patience": 2})
    fit(model(), settings, validate=lambda m: next(figures),
        looked=lambda update, updates, figure: looks.append((update, figure)))  # fmt: skip
    assert looks == [(10, 0.5), (20, 0.6), (30, 0.6), (40, 0.1)]


def test_synthetic_rows_add_no_update():
    assert updates_of(TrainSection(epochs=3.0, batch_size=8), 40) == 15
    assert updates_of(TrainSection(updates=7, epochs=3.0), 40) == 7


def test_learning_rate_rises_and_falls_as_stated():
    settings = TrainSection(learning_rate=1.0, warmup=0.1)
    rates = [learning_rate(settings, u, 100) for u in range(101)]
    assert np.argmax(rates) == 10
    assert rates[10] == pytest.approx(1.0)
    assert rates[100] == pytest.approx(0.0)
    assert (np.diff(rates[:11]) > 0).all()
    assert (np.diff(rates[10:]) < 0).all()


def test_weight_decay_spares_biases_and_norms():
    optimizer = make_optimizer(model(), SETTINGS)
    decayed, spared = optimizer.param_groups
    assert {p.ndim for p in decayed["params"]} == {2, 4}
    assert {p.ndim for p in spared["params"]} == {1}
    assert spared["weight_decay"] == 0.0


def test_frozen_embeddings_and_images_give_the_same_predictions():
    m, data, accelerator = model().eval(), lesions(), Accelerator(cpu=True)
    features = embed(m.backbone, data.samples, accelerator, batch_size=7)
    on_images = predict(m, data.samples, accelerator, batch_size=9)
    on_features = predict(Model(None, m.head), features, accelerator)
    np.testing.assert_allclose(on_images, on_features, rtol=1e-5)
    np.testing.assert_allclose(on_images.sum(axis=1), 1.0)


def test_a_step_is_a_function_of_seed_and_step():
    draws = []
    for seed, step in ((1, 2), (1, 3), (2, 2), (1, 2)):
        seed_step(seed, step)
        draws.append(torch.rand(1).item())
    assert draws[0] == draws[3]
    assert len(set(draws)) == 3
