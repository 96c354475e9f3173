"""Rules of a training stage; it is trained for a few updates, after a plain stage."""

from __future__ import annotations

import copy
import math
from contextlib import suppress
from functools import lru_cache, partial
from typing import Any, NamedTuple

import torch
from torch import nn

from imbalance_derm.data.lesions import LesionSet
from imbalance_derm.experiment.spec import TrainSection
from imbalance_derm.losses.cross_entropy import CrossEntropy
from imbalance_derm.models.contract import Backbone, Model, Task
from imbalance_derm.models.heads.single_task import SingleTask
from imbalance_derm.optimizers.named import named
from imbalance_derm.sampling.mixers.none import NoMixing
from imbalance_derm.sampling.shuffle import Shuffle
from imbalance_derm.schedule.contract import TrainingStage
from imbalance_derm.schedule.joint import Joint
from imbalance_derm.schedule.step import Parts, Step
from imbalance_derm.testing.build import Build
from imbalance_derm.testing.every import EVERY, HERE, REFUSAL, SAME, pickled, refusal
from imbalance_derm.testing.rule import require, rule
from imbalance_derm.testing.small import make_context, make_lesions
from imbalance_derm.training.context import State
from imbalance_derm.training.loop import train_classifier
from imbalance_derm.training.plan import Plan
from imbalance_derm.training.pool import Pool

CONTRACT = "imbalance_derm.schedule.contract"
COUNTS, FEATURES, UPDATES = (20, 9, 6), 8, 6
RUN = Parts(CrossEntropy(), Shuffle(), NoMixing())
Snapshot = dict[str, torch.Tensor]


def make_model(embeddings: bool = False, seed: int = 0) -> Model:
    """Return a small network with batch normalisation, and a linear head."""
    torch.manual_seed(seed)
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
        nn.Conv2d(8, FEATURES, 3, 2, 1),
    )  # fmt: skip
    half = (0.5, 0.5, 0.5)
    backbone = Backbone(network, FEATURES, half, half, "random")
    head = SingleTask(Task(FEATURES, tuple(f"class{k}" for k in range(len(COUNTS)))))
    return Model(None if embeddings else backbone, head)


def make_data(embeddings: bool = False) -> LesionSet:
    """Return lesions of three classes."""
    return make_lesions(COUNTS, size=8, dim=FEATURES if embeddings else None)


class Killed(Exception):
    """The training is killed here."""


class _Checkpoint:
    """Keeps the state after every update, and kills the training at one."""

    def __init__(self, at: int) -> None:
        self.state: State | None = None
        self.saved, self.at = 0, at

    def load(self) -> State | None:
        return copy.deepcopy(self.state)

    def save(self, state: State) -> None:
        self.state = copy.deepcopy(state)
        self.saved += 1
        if self.saved == self.at:
            raise Killed

    def due(self) -> bool:
        return True


def train(
    model: Model, stage: TrainingStage, embeddings: bool = False, checkpoint: Any = None
) -> None:
    """Train `model` by a plain stage and by `stage`."""
    context = make_context()
    if checkpoint is not None:
        context.checkpoint = checkpoint
    stage.adapt(model)
    plan = Plan(RUN, (Joint(), stage), partial(named, algorithm="AdamW"))
    settings = TrainSection(updates=UPDATES, batch_size=12, validations=1, learning_rate=1e-2)
    pool = Pool.of(make_data(embeddings))
    train_classifier(model, pool, plan, settings, lambda model: 0.5, context)


class Trained(NamedTuple):
    """A training: the model at the first and after the last update, and what was minimised."""

    model: Model
    start: Snapshot
    end: Snapshot
    values: list[torch.Tensor]


def snapshot(module: nn.Module) -> Snapshot:
    """Return a copy of the state."""
    return {key: tensor.clone() for key, tensor in module.state_dict().items()}


@lru_cache(maxsize=4)
def trained(build: Build, embeddings: bool = False) -> Trained:
    """Return a training that rules share."""
    stage, model = build(), make_model(embeddings)
    starts: list[Snapshot] = []
    values: list[torch.Tensor] = []
    objective = stage.objective

    def watch(step: Step) -> torch.Tensor:
        if not starts:
            starts.append(snapshot(step.model))
        value: torch.Tensor = objective(step)
        values.append(value.detach().clone())
        return value

    stage.objective = watch
    train(model, stage, embeddings)
    return Trained(model, starts[0], snapshot(model), values)


def feeds(build: Build) -> tuple[bool, ...]:
    """Whether embeddings are fed: False, and True where the stage works on them."""
    return (False,) if build.target.needs_images else (False, True)


def among(name: str, beginnings: tuple[str, ...]) -> bool:
    """Whether a state belongs to one of some modules."""
    return any(name.startswith(f"{each}.") for each in beginnings)


@rule(
    CONTRACT, "A part of a training schedule; each stage goes on from the best weights of the one"
)
def it_is_a_stage(build: Build) -> None:
    """Look at its class."""
    require(isinstance(build(), TrainingStage), "it is no TrainingStage")


@rule(CONTRACT, "Of the run's optimiser updates, relative to the shares of the other stages.")
def share_and_rate_are_positive(build: Build) -> None:
    """By default, and as they are set."""
    stage = build()
    for name in ("share", "learning_rate"):
        value = getattr(stage, name)
        require(math.isfinite(value) and value > 0, f"its {name} is {value}")
        require(build.has(name), f"it has no parameter '{name}'")
        require(getattr(build(**{name: 0.5}), name) == 0.5, f"it ignores the parameter '{name}'")


@rule(CONTRACT, "Return what to minimise in one update; by default the classification objective.")
def objective_is_finite(build: Build) -> None:
    """Look at what is minimised, on images and on embeddings."""
    for embeddings in feeds(build):
        _, _, end, values = trained(build, embeddings)
        require(len(values) > 0, "its objective is never asked for")
        for value in values:
            require(value.ndim <= 1, f"its objective has shape {tuple(value.shape)}")
            require(bool(value.isfinite().all()), "its objective is not finite")
        finite = all(bool(tensor.isfinite().all()) for tensor in end.values())
        require(finite, "after it weights of the model are not finite")


@rule(CONTRACT, "Names, or beginnings of names, of the model's modules that are not trained:")
def frozen_modules_stay(build: Build) -> None:
    """Compare the model before and after: what is frozen stays, of the rest something moves."""
    for embeddings in feeds(build):
        model, start, end, _ = trained(build, embeddings)
        stage, names = build.target, dict(model.named_parameters())
        moved = {key for key in end if not torch.equal(start[key], end[key])}
        for key in sorted(moved):
            follows = stage.moves_statistics and key not in names
            frozen = among(key, stage.freezes) and not follows
            require(not frozen, f"it freezes {', '.join(stage.freezes)}, and '{key}' moves")
        require(bool(moved & set(names)), "it trains no parameter of the model")


@rule(CONTRACT, "Return the parts of this stage; by default those of the run.")
def parts_are_parts(build: Build) -> None:
    """Look at what it trains with; the parts of the run stay."""
    before = (RUN.loss, RUN.sampler, RUN.mixer)
    parts = build().parts(RUN)
    require(isinstance(parts, Parts), f"parts returns a {type(parts).__name__}")
    unchanged = all(a is b for a, b in zip(before, (RUN.loss, RUN.sampler, RUN.mixer), strict=True))
    require(unchanged, "it changes the parts of the run")


@rule(
    CONTRACT, "Change the structure of `model`; called before training and before loading weights."
)
def weights_are_read_back(build: Build) -> None:
    """Load the model's state into a new one that was adapted."""
    model = trained(build).model.eval()
    loaded = make_model(seed=99).eval()
    build().adapt(loaded)
    loaded.load_state_dict(snapshot(model))
    images = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        equal = torch.allclose(model(images)[0].logits, loaded.eval()(images)[0].logits)
    require(equal, "a new model that has loaded the weights gives other logits")


@rule(
    CONTRACT,
    "beside the model (a projection head, say) are parameters of the stage, which is a module.",
)
def killed_and_resumed_is_uninterrupted(build: Build) -> None:
    """Kill the training within the stage, and go on with a new one."""
    whole, checkpoint = trained(build).end, _Checkpoint(at=UPDATES - 1)
    with suppress(Killed):
        train(make_model(), build(), checkpoint=checkpoint)
    resumed = make_model(seed=99)
    train(resumed, build(), checkpoint=checkpoint)
    equal = all(torch.equal(tensor, whole[key]) for key, tensor in resumed.state_dict().items())
    require(equal, "killed and resumed, it ends with other weights: something is not in its state")


@rule(HERE, SAME)
def same_seed_same_weights(build: Build) -> None:
    """Train twice."""
    model = make_model()
    train(model, build())
    whole = trained(build).end
    equal = all(torch.equal(tensor, whole[key]) for key, tensor in model.state_dict().items())
    require(equal, "trained twice from the same seed, it ends with other weights")


@rule(HERE, REFUSAL)
def embeddings_are_taken_or_refused(build: Build) -> None:
    """Ask whether embeddings can be fed."""
    stage = build()
    text = refusal(lambda: stage.check(embeddings=True))
    require(bool(text) == stage.needs_images, "needs_images and check() do not say the same")
    require(not refusal(lambda: stage.check(embeddings=False)), "it refuses images")


RULES = (
    *EVERY,
    it_is_a_stage,
    pickled(lambda build: build()),
    share_and_rate_are_positive,
    embeddings_are_taken_or_refused,
    objective_is_finite,
    frozen_modules_stay,
    parts_are_parts,
    weights_are_read_back,
    same_seed_same_weights,
    killed_and_resumed_is_uninterrupted,
)
