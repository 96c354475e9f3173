"""Mixers that need more than the batch, in the loop: a second stream, and what they learn."""

from __future__ import annotations

from functools import cache, partial

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from scipy.stats import chisquare
from torch import nn
from torch.nn import functional

from imbalance_derm.data.lesions import LesionSet
from imbalance_derm.experiment.spec import TrainSection
from imbalance_derm.losses.cross_entropy import CrossEntropy
from imbalance_derm.models.contract import Backbone, Model, Task
from imbalance_derm.models.heads.single_task import SingleTask
from imbalance_derm.optimizers.named import named
from imbalance_derm.registry.parameters import create
from imbalance_derm.sampling.contract import SamplingContext
from imbalance_derm.sampling.mixers.balanced_mixup import BalancedMixup
from imbalance_derm.sampling.mixers.rsg.generator import RareSampleGenerator
from imbalance_derm.sampling.mixing import Mixer, MixingContext
from imbalance_derm.sampling.shuffle import Shuffle
from imbalance_derm.schedule.joint import Joint
from imbalance_derm.schedule.step import Parts
from imbalance_derm.training.context import TrainingContext
from imbalance_derm.training.history import History
from imbalance_derm.training.loop import train_classifier
from imbalance_derm.training.plan import Plan
from imbalance_derm.training.pool import Pool

SEED, ROWS, CLASSES = 3, 40, ("benign", "malignant")
SETTINGS = TrainSection(updates=30, batch_size=8, validations=3, learning_rate=1e-2)
PLAIN = TrainSection(
    updates=12, batch_size=8, validations=1, augment="none", warmup=0.0, schedule="constant",
    learning_rate=0.1, weight_decay=0.0,
)  # fmt: skip


@cache
def lesions() -> LesionSet:
    """Three benign lesions for a malignant, brighter one."""
    rng = np.random.default_rng(0)
    labels = np.arange(ROWS) % 4 // 3
    images = rng.integers(0, 120, (ROWS, 16, 16, 3), dtype=np.uint8)
    images += (labels * 90)[:, None, None, None].astype(np.uint8)
    ids = np.array([f"i{k}" for k in range(ROWS)])
    return LesionSet(images, labels, np.full(ROWS, -1), ids, ids, CLASSES, ())


def model(seed: int = 0) -> Model:
    torch.manual_seed(seed)
    layers = nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3, 2, 1)
    backbone = Backbone(nn.Sequential(*layers), 8, (0.5,) * 3, (0.5,) * 3, "random")
    return Model(backbone, SingleTask(Task(8, CLASSES), dropout=0.0))


class Killed(Exception):
    pass


class MemoryCheckpoint:
    """Saves after every update, and kills the training after update `at`."""

    def __init__(self, at: int) -> None:
        self.saved, self.updates, self.at = None, 0, at

    def load(self):
        return self.saved

    def save(self, state) -> None:
        self.saved = copied(state)
        self.updates += 1
        if self.updates == self.at:
            raise Killed

    def due(self) -> bool:
        return True


def copied(value):
    if isinstance(value, torch.Tensor):
        return value.clone()
    if isinstance(value, dict):
        return {key: copied(each) for key, each in value.items()}
    return [copied(each) for each in value] if isinstance(value, list) else value


def fit(
    trained: Model, mixer: Mixer, settings=SETTINGS, checkpoint=None, algorithm="AdamW"
) -> History:
    context = TrainingContext(Accelerator(cpu=True), seed=SEED)
    if checkpoint is not None:
        context.checkpoint = checkpoint
    plan = Plan(
        Parts(CrossEntropy(), Shuffle(), mixer), (Joint(),), partial(named, algorithm=algorithm)
    )

    def grown(current: Model) -> float:
        return current.head.lesion.weight.norm().item()

    return train_classifier(trained, Pool.of(lesions()), plan, settings, grown, context)


def rows_of(sampler: str, update: int, *seed: int) -> np.ndarray:
    """The rows of one update, from the sampler itself: five batches are a pass of 40."""
    order = create("sampler", sampler).order(
        SamplingContext(lesions().labels, 2), np.random.default_rng([SEED, *seed, update // 5])
    )
    return order[update % 5 * 8 : update % 5 * 8 + 8]


class Spy(BalancedMixup):
    """Keeps what it was given."""

    def __init__(self) -> None:
        super().__init__(alpha=1.0)
        self.given: list[tuple[torch.Tensor, torch.Tensor]] = []

    def mix(self, inputs, labels, context, rng):
        self.given.append((inputs.clone(), labels.clone()))
        return super().mix(inputs, labels, context, rng)


def test_partners_come_from_the_balanced_stream():
    spy, data = Spy(), lesions()
    fit(model(), spy, PLAIN.model_copy(update={"updates": 40}))
    assert len(spy.given) == 40
    for update, (inputs, labels) in enumerate(spy.given):
        rows = np.concatenate([rows_of("shuffle", update), rows_of("class_balanced", update, 2)])
        np.testing.assert_array_equal(labels, data.labels[rows])
        pixels = data.samples[rows].transpose(0, 3, 1, 2) / np.float32(255)
        np.testing.assert_allclose(inputs, pixels, atol=1e-6)
    drawn = torch.stack([labels for _, labels in spy.given])
    assert np.bincount(drawn[:, :8].flatten()).tolist() == [240, 80]
    assert chisquare(np.bincount(drawn[:, 8:].flatten())).pvalue > 0.01


def test_with_balanced_mixup_the_loop_equals_one_written_by_hand():
    ours, theirs, data = model(), model(), lesions()
    fit(ours, BalancedMixup(alpha=1.0), PLAIN, algorithm="SGD")
    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.1)
    theirs.train()
    whole = np.eye(2, dtype=np.float32)[data.labels]
    pixels = data.samples.transpose(0, 3, 1, 2) / np.float32(255)
    for update in range(12):
        first, second = rows_of("shuffle", update), rows_of("class_balanced", update, 2)
        drawn = np.random.default_rng([SEED, update, 1])
        share = drawn.beta(1.0, 1.0, 8).astype(np.float32)[:, None]
        wide = share[:, :, None, None]
        images = torch.from_numpy((1 - wide) * pixels[first] + wide * pixels[second])
        soft = torch.from_numpy((1 - share) * whole[first] + share * whole[second])
        loss = functional.cross_entropy(theirs(images)[0].logits, soft)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    for name, tensor in theirs.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], tensor, rtol=1e-4, atol=1e-6)


MIXERS = [partial(BalancedMixup), partial(RareSampleGenerator, begin=0.5)]


@pytest.mark.parametrize("at", [3, 15, 22])
@pytest.mark.parametrize("make", MIXERS, ids=["balanced_mixup", "rsg"])
def test_killed_and_resumed_equals_uninterrupted(make, at):
    """The mixer, too, is built anew for the resumed training."""
    whole, mixer = model(), make()
    history = fit(whole, mixer)
    checkpoint = MemoryCheckpoint(at)
    with pytest.raises(Killed):
        fit(model(), make(), checkpoint=checkpoint)
    resumed, again = model(seed=99), make()
    assert fit(resumed, again, checkpoint=checkpoint) == history
    for one, other in ((whole, resumed), (mixer, again)):
        assert one.state_dict().keys() == other.state_dict().keys()
        for name, tensor in one.state_dict().items():
            assert torch.equal(tensor, other.state_dict()[name]), name


def test_with_rsg_the_loop_equals_one_written_by_hand():
    """What is generated goes through the head, and the generator's loss is added."""
    ours, theirs, data = model(), model(), lesions()
    mixers = [RareSampleGenerator(begin=0.5) for _ in range(2)]
    torch.manual_seed(5)
    fit(ours, mixers[0], PLAIN, algorithm="SGD")
    torch.manual_seed(5)
    mixers[1].prepare(classes=2, features=8)
    optimizer = torch.optim.SGD([*theirs.parameters(), *mixers[1].parameters()], lr=0.1)
    theirs.train()
    made = []
    for update in range(12):
        rows = rows_of("shuffle", update)
        images = torch.from_numpy(data.samples[rows].transpose(0, 3, 1, 2) / np.float32(255))
        features, labels = theirs.backbone(images), torch.from_numpy(data.labels[rows])
        context = MixingContext(torch.tensor([30.0, 10.0]), update / 12)
        loss, extra = 0.0, mixers[1].generate(features, labels, context, np.random.default_rng())
        if extra is not None:
            made.append((update, len(extra.labels)))
            features, loss = torch.cat([features, extra.features]), extra.loss
            labels = torch.cat([labels, extra.labels])
        loss = loss + functional.cross_entropy(theirs.head(features).logits, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert {count > 0 for update, count in made if update >= 6} == {True}
    assert {count for update, count in made if update < 6} == {0}
    for one, other in ((ours, theirs), mixers):
        for name, tensor in other.state_dict().items():
            torch.testing.assert_close(one.state_dict()[name], tensor, rtol=1e-4, atol=1e-6)
