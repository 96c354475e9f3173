"""The loop: budget, best look, exact resumption, and equality with a loop written by hand."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from scipy.special import softmax
from torch import nn
from torch.nn import functional

from imbalance_derm.data.lesions import LesionSet
from imbalance_derm.experiment.spec import TrainSection
from imbalance_derm.losses.cross_entropy import CrossEntropy
from imbalance_derm.models.contract import Backbone, Model, Task
from imbalance_derm.models.heads.single_task import SingleTask
from imbalance_derm.optimizers.named import named
from imbalance_derm.registry.parameters import create
from imbalance_derm.sampling.mixers.mixup import Mixup
from imbalance_derm.sampling.mixers.none import NoMixing
from imbalance_derm.sampling.shuffle import Shuffle
from imbalance_derm.schedule.joint import Joint
from imbalance_derm.schedule.step import Parts
from imbalance_derm.training.context import TrainingContext, seed_step
from imbalance_derm.training.history import History
from imbalance_derm.training.inference import embed, predict_logits
from imbalance_derm.training.loop import train_classifier
from imbalance_derm.training.optimisation import learning_rate, parameter_groups, updates_of
from imbalance_derm.training.plan import Plan
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


def predict(current: Model, samples: np.ndarray, accelerator: Accelerator, **batches) -> np.ndarray:
    return softmax(predict_logits(current, samples, accelerator, **batches), axis=1)


class Killed(Exception):
    pass


PLAIN = (Joint(),)


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
    m: Model, settings=SETTINGS, checkpoint=None, validate=None, loss=None, looked=None,
    mixer=None, sampler=None, stages=PLAIN, algorithm="AdamW", pool=None,
):  # fmt: skip
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
    parts = Parts(loss or CrossEntropy(), sampler or Shuffle(), mixer or NoMixing())
    for stage in stages:
        stage.adapt(m)
    make = partial(named, algorithm=algorithm)
    plan = Plan(parts, tuple(stages), make)
    pool = pool or Pool.of(data)
    return train_classifier(m, pool, plan, settings, validate or auc, context, *arguments)


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
        learning_rate=0.1, weight_decay=0.0,
    )  # fmt: skip
    ours, theirs, data = model(), model(), lesions()
    ours.head.dropout.p = theirs.head.dropout.p = 0.0
    mixed = []

    class Remembered(Mixup):
        def mix(self, *given):
            mixed.append(super().mix(*given))
            return mixed[-1]

    fit(ours, settings, mixer=Remembered(alpha=1.0), algorithm="SGD")
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


@pytest.mark.parametrize(
    "figures",
    [
        [0.5, 0.6, 0.6, 0.1, 0.2, 0.7, 0.7, 0.7, 0.6, 0.6],
        [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5],
        [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0],
        [0.5, float("nan"), 0.4, 0.3, 0.6, float("nan"), float("nan"), 0.1, 0.9, 0.2],
        np.random.default_rng(3).normal(size=10).round(1).tolist(),
    ],
)
def test_the_rate_falls_at_a_plateau_as_that_of_pytorch(figures, monkeypatch):
    """PyTorch waits for one look more than its patience; Keras and this do not."""
    settings = SETTINGS.model_copy(
        update={"schedule": "plateau", "plateau": 2, "validations": 10, "warmup": 0.0}
    )
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=settings.learning_rate)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, mode="max", factor=0.1, patience=1, threshold=0.0, threshold_mode="abs"
    )
    expected = []
    for figure in figures:
        expected += [optimizer.param_groups[0]["lr"]] * 3
        theirs.step(figure)
    rates, seen = [], iter(figures)
    step = torch.optim.AdamW.step

    def watched(self, closure=None):
        rates.append(self.param_groups[0]["lr"])
        return step(self, closure)

    monkeypatch.setattr(torch.optim.AdamW, "step", watched)
    fit(model(), settings, validate=lambda m: next(seen))
    np.testing.assert_allclose(rates, expected, rtol=1e-12)


def test_plateaus_are_those_of_the_present_stage():
    looks = [[10, 0.9], [20, 0.1], [30, 0.1], [40, 0.5], [50, 0.5]]
    assert History(looks=looks).plateaus(2) == 2
    assert History(looks=looks, start=20).plateaus(2) == 0
    assert History(looks=looks, start=30).plateaus(1) == 1


@pytest.mark.parametrize(("over", "updates"), [("real", 10), ("all", 30)])
def test_synthetic_rows_add_updates_only_where_a_pass_is_over_all(over, updates):
    settings = TrainSection(epochs=2.0, batch_size=8, validations=1, epoch_over=over)
    assert updates_of(settings, 40, 80) == updates
    assert updates_of(settings.model_copy(update={"updates": 7}), 40, 80) == 7
    data = lesions()
    pool = Pool.of(data, np.repeat(data.samples, 2, axis=0), np.repeat(data.labels, 2))
    assert fit(model(), settings, pool=pool).taken == updates


def test_learning_rate_rises_and_falls_as_stated():
    settings = TrainSection(learning_rate=1.0, warmup=0.1)
    rates = [learning_rate(settings, u, 100) for u in range(101)]
    assert np.argmax(rates) == 10
    assert rates[10] == pytest.approx(1.0)
    assert rates[100] == pytest.approx(0.0)
    assert (np.diff(rates[:11]) > 0).all()
    assert (np.diff(rates[10:]) < 0).all()


def test_weight_decay_spares_biases_and_norms():
    decayed, spared = parameter_groups([model()], SETTINGS)
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


class Second(Joint):
    """Trains the head only, anew."""

    freezes = ("backbone",)
    reinitialises = ("head",)


@pytest.mark.parametrize("at", [5, 14, 25])
@pytest.mark.parametrize("average", ["none", "ema", "swa"])
def test_a_schedule_of_stages_killed_and_resumed_equals_uninterrupted(at, average):
    settings = SETTINGS.model_copy(update={"average": average})
    stages = (Joint(share=0.5), Second(share=0.5))
    whole = model()
    history = fit(whole, settings, stages=stages)
    checkpoint = MemoryCheckpoint(at)
    with pytest.raises(Killed):
        fit(model(), settings, checkpoint=checkpoint, stages=stages)
    resumed = model(seed=99)
    assert fit(resumed, settings, checkpoint=checkpoint, stages=stages) == history
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name


def test_a_stage_trains_what_it_does_not_freeze_from_the_best_weights_before():
    states = []

    def validate(current: Model) -> float:
        states.append({k: v.clone() for k, v in current.state_dict().items()})
        return [0.9, 0.1, 0.2, 0.3][len(states) - 1]

    m, settings = model(), SETTINGS.model_copy(update={"validations": 4, "updates": 40})
    history = fit(m, settings, validate=validate, stages=(Joint(share=1.0), Second(share=1.0)))
    best_of_first, last = states[0], states[3]
    assert history.best == (40, 0.3)
    for name, tensor in m.state_dict().items():
        assert torch.equal(tensor, last[name])
        if name.startswith("backbone"):  # statistics of batch normalisation included
            assert torch.equal(tensor, best_of_first[name]), name
    assert not torch.equal(last["head.lesion.weight"], states[1]["head.lesion.weight"])


def test_an_early_stop_ends_a_stage_and_not_the_training():
    figures = iter([0.9, 0.1, 0.2, 0.3, 0.4])
    settings = SETTINGS.model_copy(update={"updates": 60, "validations": 6, "patience": 1})
    history = fit(
        model(), settings, validate=lambda m: next(figures),
        stages=(Joint(share=1.0), Joint(share=1.0)),
    )  # fmt: skip
    assert [update for update, _ in history.looks] == [10, 20, 40, 50, 60]
    assert history.taken == 20 + 30


def test_the_moving_average_equals_its_recursion():
    settings = TrainSection(
        updates=5, batch_size=8, validations=1, augment="none", average="ema", average_decay=0.6
    )
    averaged, plain, weights = model(), model(), []

    class Spy(Joint):
        def objective(self, step):
            weights.append(step.model.head.lesion.weight.detach().clone())
            return super().objective(step)

    plain_settings = settings.model_copy(update={"average": "none"})
    fit(plain, plain_settings, stages=(Spy(),))
    fit(averaged, settings)
    after = [*weights[1:], plain.head.lesion.weight.detach()]
    expected = after[0]
    for weight in after[1:]:
        expected = 0.6 * expected + 0.4 * weight
    torch.testing.assert_close(averaged.head.lesion.weight.detach(), expected)


def test_a_step_is_a_function_of_seed_and_step():
    draws = []
    for seed, step in ((1, 2), (1, 3), (2, 2), (1, 2)):
        seed_step(seed, step)
        draws.append(torch.rand(1).item())
    assert draws[0] == draws[3]
    assert len(set(draws)) == 3
