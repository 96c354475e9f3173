"""A small model, small data and a whole training, for the tests of this room."""

from __future__ import annotations

import copy
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from torch import nn

from imbalance_derm.data.lesions import LesionSet
from imbalance_derm.experiment.spec import TrainSection
from imbalance_derm.losses.contract import ClassCounts
from imbalance_derm.losses.cross_entropy import CrossEntropy
from imbalance_derm.models.contract import Backbone, Batch, Counts, Model, Task
from imbalance_derm.models.heads.single_task import SingleTask
from imbalance_derm.optimizers.named import named
from imbalance_derm.sampling.mixers.none import NoMixing
from imbalance_derm.sampling.shuffle import Shuffle
from imbalance_derm.schedule.step import Parts, Step
from imbalance_derm.training.augmentation import dihedral
from imbalance_derm.training.context import TrainingContext
from imbalance_derm.training.loop import train_classifier
from imbalance_derm.training.plan import Plan
from imbalance_derm.training.pool import Pool

COUNTS = {2: (36, 12), 8: (20, 9, 6, 4, 3, 3, 2, 1)}
FEATURES = 8
SETTINGS = TrainSection(updates=8, batch_size=12, validations=1, learning_rate=1e-2)


class Killed(Exception):
    pass


class MemoryCheckpoint:
    """Saves after every update; kills the training at update `at`."""

    def __init__(self, at: int) -> None:
        self.state, self.saved, self.at = None, 0, at

    def load(self):
        return copy.deepcopy(self.state)

    def save(self, state) -> None:
        self.state = copy.deepcopy(state)
        self.saved += 1
        if self.saved == self.at:
            raise Killed

    def due(self) -> bool:
        return True


def make_lesions(classes: int, embeddings: bool = False) -> LesionSet:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(classes), COUNTS[classes])
    n = len(labels)
    samples = rng.integers(0, 120, (n, 8, 8, 3)) + 14 * labels[:, None, None, None]
    if embeddings:
        samples = rng.normal(size=(n, FEATURES)).astype(np.float32)
    else:
        samples = samples.astype(np.uint8)
    ids = np.array([f"i{k}" for k in range(n)])
    names = tuple(f"c{k}" for k in range(classes))
    return LesionSet(samples, labels, np.full(n, -1), ids, ids, names, ())


def make_model(classes: int, embeddings: bool = False, seed: int = 0) -> Model:
    torch.manual_seed(seed)
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
        nn.Conv2d(8, FEATURES, 3, 2, 1),
    )  # fmt: skip
    backbone = Backbone(network, FEATURES, (0.5,) * 3, (0.5,) * 3, "random")
    head = SingleTask(Task(FEATURES, tuple(f"c{k}" for k in range(classes))))
    return Model(None if embeddings else backbone, head)


def fit(
    model, stages, data, settings=SETTINGS, checkpoint=None, loss=None, mixer=None, validate=None
):
    """Train and return the history; by default every look at validation says the same."""
    context = TrainingContext(Accelerator(cpu=True), seed=3)
    if checkpoint is not None:
        context.checkpoint = checkpoint
    parts = Parts(loss or CrossEntropy(), Shuffle(), mixer or NoMixing())
    for stage in stages:
        stage.adapt(model)
    plan = Plan(parts, tuple(stages), partial(named, algorithm="AdamW"))
    validate = validate or (lambda model: 0.5)
    return train_classifier(model, Pool.of(data), plan, settings, validate, context)


def make_step(model, labels, parts=None, seed=0, counts=None, inputs=None):
    """Return a step on random images of `labels`."""
    torch.manual_seed(seed)
    labels = torch.as_tensor(labels)
    inputs = torch.rand(len(labels), 3, 8, 8) if inputs is None else inputs
    classes = model.head.lesion.out_features
    counts = torch.tensor(counts or COUNTS[classes], dtype=torch.float32)
    none = torch.zeros(0)
    return Step(
        model, model, Batch(inputs, labels, torch.zeros_like(labels)), dihedral,
        parts or Parts(CrossEntropy(), Shuffle(), NoMixing()),
        Counts(ClassCounts(counts, counts), ClassCounts(none, none)), 0.5,
        np.random.default_rng(seed), lambda logits, labels: None,
    )  # fmt: skip


def snapshot(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


@pytest.fixture
def lab() -> SimpleNamespace:
    return SimpleNamespace(
        counts=COUNTS, features=FEATURES, settings=SETTINGS, Killed=Killed,
        Checkpoint=MemoryCheckpoint, lesions=make_lesions, model=make_model, fit=fit,
        step=make_step, snapshot=snapshot,
    )  # fmt: skip
