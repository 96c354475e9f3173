"""Paper B's masked joint loss and the weightings of its two tasks, against hand computations."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from scipy.special import log_softmax
from torch import nn
from torch.nn import functional

from imbalance_derm.data.lesions import LesionSet
from imbalance_derm.errors import InputError
from imbalance_derm.experiment.spec import TrainSection
from imbalance_derm.losses.contract import ClassCounts, Loss
from imbalance_derm.losses.cross_entropy import CrossEntropy
from imbalance_derm.losses.focal import Focal
from imbalance_derm.models.contract import Backbone, Batch, Counts, Model, Outputs, Task
from imbalance_derm.models.heads import body_site_mtl
from imbalance_derm.models.heads.body_site_mtl import BodySiteMultiTask
from imbalance_derm.models.heads.single_task import SingleTask
from imbalance_derm.models.heads.task_weighting import WEIGHTINGS
from imbalance_derm.optimizers.named import named
from imbalance_derm.registry.parameters import create
from imbalance_derm.sampling.mixers.mixup import Mixup
from imbalance_derm.sampling.shuffle import Shuffle
from imbalance_derm.schedule.joint import Joint
from imbalance_derm.schedule.step import Parts
from imbalance_derm.training.context import TrainingContext
from imbalance_derm.training.loop import train_classifier
from imbalance_derm.training.optimisation import parameter_groups
from imbalance_derm.training.plan import Plan
from imbalance_derm.training.pool import Pool

TASK = Task(6, ("bkl", "mel", "nv"), ("back", "face"))
NAMES = sorted(WEIGHTINGS)


def counts(sites: tuple[float, float] = (1.0, 1.0), fed: tuple[float, float] | None = None):
    classes = torch.tensor([5.0, 1.0, 30.0])
    return Counts(
        ClassCounts(classes, classes),
        ClassCounts(torch.tensor(sites), torch.tensor(fed or sites)),
    )


def batch(sites: list[int], weights: torch.Tensor | None = None) -> Batch:
    n = len(sites)
    return Batch(torch.zeros(n, 6), torch.arange(n) % 3, torch.tensor(sites), weights)


def make(weighting: str = "fixed", weight: float = 0.4, **parameters) -> BodySiteMultiTask:
    torch.manual_seed(0)
    defaults = {"site_loss": "ce", "dropout": 0.0}
    return BodySiteMultiTask(
        TASK, weighting=weighting, site_weight=weight, **{**defaults, **parameters}
    )


def objective(head, features, b, progress=0.0, loss=None, given=None) -> torch.Tensor:
    return head.objective(
        head(features), features, b, loss or CrossEntropy(), given or counts(), progress
    )


def hand_losses(head, features, b) -> tuple[float, float]:
    """Return both mean cross-entropies, from NumPy."""
    outputs = head(features)
    lesion = log_softmax(outputs.logits.detach().double().numpy(), axis=1)
    site = log_softmax(outputs.others["site"].detach().double().numpy(), axis=1)
    known = np.flatnonzero(b.sites.numpy() >= 0)
    lesions = [-lesion[i, y] for i, y in enumerate(b.labels.tolist())]
    return float(np.mean(lesions)), float(np.mean([-site[i, b.sites[i]] for i in known]))


def test_joint_loss_is_lesion_plus_weighted_site_loss_over_known_sites():
    head = make("fixed", 0.4)
    features, b = torch.randn(4, 6), batch([0, -1, 1, -1])
    outputs = head(features)
    value = objective(head, features, b)
    lesion = functional.cross_entropy(outputs.logits, b.labels)
    site = functional.cross_entropy(outputs.others["site"][[0, 2]], torch.tensor([0, 1]))
    torch.testing.assert_close(value, lesion + 0.4 * site)


@pytest.mark.parametrize("weighting", NAMES)
def test_images_of_unknown_site_do_not_train_the_site_head(weighting):
    head = make(weighting)
    features, b = torch.randn(3, 6), batch([-1, -1, -1])
    value = objective(head, features, b)
    value.sum().backward()
    lesion = functional.cross_entropy(head(features).logits, b.labels)
    torch.testing.assert_close(value.sum(), lesion)
    for parameter in head.site.parameters():
        assert parameter.grad is not None  # all processes reduce the same parameters
        assert torch.count_nonzero(parameter.grad) == 0


@pytest.mark.parametrize("weighting", ["fixed", "scheduled", "pcgrad"])
def test_site_weight_zero_is_the_single_task_twin(weighting):
    features, b = torch.randn(5, 6), batch([0, 1, 0, -1, 1])
    multi, single = make(weighting, 0.0), SingleTask(TASK, dropout=0.0)
    assert multi.twin == "single_task"
    single.lesion.load_state_dict(multi.lesion.state_dict())
    torch.testing.assert_close(objective(multi, features, b).sum(), objective(single, features, b))


def test_without_known_sites_the_head_says_so():
    with pytest.raises(InputError, match=r"at least two known body sites.*found 0"):
        BodySiteMultiTask(Task(6, ("a", "b")))


def test_each_task_has_its_own_loss_and_counts():
    head = make("fixed", 0.5, site_loss="weighted_ce/sqrt")
    features, b = torch.randn(6, 6), batch([0, -1, 1, 1, 1, -1])
    given = counts(sites=(50.0, 50.0), fed=(90.0, 10.0))
    value = objective(head, features, b, loss=Focal(gamma=1.5), given=given)
    outputs = head(features)
    lesion = log_softmax(outputs.logits.detach().double().numpy(), axis=1)[range(6), b.labels]
    site = log_softmax(outputs.others["site"].detach().double().numpy(), axis=1)
    weights = np.array([0.9, 0.1]) ** -0.5
    weights /= (np.array([0.9, 0.1]) * weights).sum()
    expected = np.mean(-((1 - np.exp(lesion)) ** 1.5) * lesion)
    rows = [(i, int(s)) for i, s in enumerate(b.sites) if s >= 0]
    expected += 0.5 * np.mean([-weights[s] * site[i, s] for i, s in rows])
    assert value.item() == pytest.approx(expected, rel=1e-5)


def test_the_site_loss_is_prepared_for_the_sites(monkeypatch):
    class Prepared(Loss):
        def prepare(self, classes: int, features: int) -> None:
            self.centres = nn.Parameter(torch.zeros(classes, features))

        def forward(self, logits, labels, context):
            return (context.features - self.centres[labels]).pow(2).sum(dim=1)

    monkeypatch.setattr(body_site_mtl, "create", lambda kind, name: Prepared())
    head = make()
    assert head.site_loss.centres.shape == (2, 6)
    objective(head, torch.randn(3, 6), batch([1, -1, 1])).backward()
    assert head.site_loss.centres.grad.count_nonzero(dim=1).tolist() == [0, 6]


@pytest.mark.parametrize(("progress", "weight"), [(0.0, 0.4), (0.25, 0.3), (0.5, 0.2), (1.0, 0.0)])
def test_a_scheduled_weight_falls_linearly_to_0(progress, weight):
    head, features, b = make("scheduled", 0.4), torch.randn(5, 6), batch([0, 1, -1, 1, 0])
    lesion, site = hand_losses(head, features, b)
    value = objective(head, features, b, progress).item()
    assert value == pytest.approx(lesion + weight * site, rel=1e-6)


@pytest.mark.parametrize("progress", [0.0, 0.6])
@pytest.mark.parametrize("weighting", ["fixed", "uncertainty", "pcgrad"])
def test_the_other_weightings_do_not_know_the_progress(weighting, progress):
    head, features, b = make(weighting), torch.randn(4, 6), batch([0, 1, -1, 1])
    assert torch.equal(objective(head, features, b, progress), objective(head, features, b, 0.3))


def test_uncertainty_is_kendalls_sum_for_classification():
    head, features, b = make("uncertainty"), torch.randn(5, 6), batch([0, 1, -1, 1, 0])
    s = head.weighting.log_variances
    with torch.no_grad():
        s.copy_(torch.tensor([0.7, -1.2]))
    losses = hand_losses(head, features, b)
    sigmas = [math.exp(0.35), math.exp(-0.6)]
    expected = sum(x / sd**2 + math.log(sd) for x, sd in zip(losses, sigmas, strict=True))
    value = objective(head, features, b)
    assert value.item() == pytest.approx(expected, rel=1e-6)
    value.backward()
    slopes = [0.5 - x / sd**2 for x, sd in zip(losses, sigmas, strict=True)]
    assert s.grad.tolist() == pytest.approx(slopes, rel=1e-5)


def test_the_best_weights_under_uncertainty_are_half_the_inverse_losses():
    weighting = WEIGHTINGS["uncertainty"](0.4)
    losses, shares, s = torch.tensor([0.3, 2.0]), torch.ones(2), weighting.log_variances
    with torch.no_grad():
        s.copy_(torch.tensor([math.log(0.6), math.log(4.0)]))
    best = weighting(losses, shares, 0.0)
    best.backward()
    assert s.grad.tolist() == pytest.approx([0.0, 0.0], abs=1e-6)
    facts = weighting.facts()
    assert facts == pytest.approx({"lesion_weight": 1 / 0.6, "site_weight": 1 / 4.0})
    for move in ([0.1, 0.0], [-0.1, 0.0], [0.0, 0.1], [0.0, -0.1]):
        with torch.no_grad():
            s.add_(torch.tensor(move))
        assert weighting(losses, shares, 0.0) > best
        with torch.no_grad():
            s.sub_(torch.tensor(move))


def test_uncertainty_starts_at_the_fixed_weights_and_can_start_anew():
    learned, fixed = make("uncertainty", 0.4), make("fixed", 0.4)
    assert learned.facts() == pytest.approx({"lesion_weight": 1.0, "site_weight": 0.4})
    features, b = torch.randn(4, 6), batch([0, 1, -1, 1])
    slope = [
        torch.autograd.grad(objective(head, features, b), head.site.weight)[0]
        for head in (learned, fixed)
    ]
    torch.testing.assert_close(*slope)
    with torch.no_grad():
        learned.weighting.log_variances.fill_(3.0)
    learned.weighting.reset_parameters()
    assert learned.facts() == pytest.approx({"lesion_weight": 1.0, "site_weight": 0.4})


def test_batches_without_a_site_leave_its_variance_alone():
    head = make("uncertainty")
    objective(head, torch.randn(3, 6), batch([-1, -1, -1])).backward()
    lesion, site = head.weighting.log_variances.grad.tolist()
    assert lesion != 0
    assert site == 0


def test_learned_weights_are_parameters_without_decay_and_go_into_checkpoints():
    head = make("uncertainty")
    groups = parameter_groups([head], TrainSection(weight_decay=0.1))
    (group,) = [g for g in groups if any(p is head.weighting.log_variances for p in g["params"])]
    assert group["weight_decay"] == 0
    with torch.no_grad():
        head.weighting.log_variances.copy_(torch.tensor([1.0, 2.0]))
    again = make("uncertainty")
    again.load_state_dict(head.state_dict())
    assert again.facts() == pytest.approx(
        {"lesion_weight": math.exp(-1), "site_weight": math.exp(-2)}
    )


def test_uncertainty_cannot_start_from_0():
    with pytest.raises(InputError, match=r"head\.site_weight, which has to be above 0"):
        make("uncertainty", 0.0)


@pytest.mark.parametrize("weighting", ["fixed", "scheduled", "pcgrad"])
def test_only_learned_weights_are_facts(weighting):
    assert make(weighting).facts() == {}
    assert SingleTask(TASK).facts() == {}
    assert not list(make(weighting).weighting.parameters())


def test_gradient_surgery_gets_one_value_per_task():
    features, b = torch.randn(5, 6), batch([0, 1, -1, 1, 0])
    head = make("pcgrad", 0.4)
    value = objective(head, features, b)
    lesion, site = hand_losses(head, features, b)
    assert value.tolist() == pytest.approx([lesion, 0.4 * site], rel=1e-6)
    unknown = objective(head, features, batch([-1] * 5))
    assert unknown.tolist() == pytest.approx([lesion, 0.0], rel=1e-6)


@pytest.mark.parametrize("weighting", NAMES)
def test_a_row_mixed_with_itself_is_the_row(weighting):
    head, features, sites = make(weighting), torch.randn(6, 6), [0, 1, -1, 1, 0, -1]
    share = torch.tensor([0.1, 0.9, 0.5, 0.0, 1.0, 0.3])
    if weighting == "uncertainty":
        with torch.no_grad():
            head.weighting.log_variances.copy_(torch.tensor([0.5, -0.8]))
    mixed = objective(head, features, batch(sites, share))
    mixed = mixed + objective(head, features, batch(sites, 1 - share))
    torch.testing.assert_close(mixed, objective(head, features, batch(sites)))


@pytest.mark.parametrize("weighting", NAMES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("sites", [[0, 1, -1, 1], [-1] * 4])
def test_extreme_logits_stay_finite(weighting, dtype, sites):
    head = make(weighting)
    sign = torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).repeat(2, 1).to(dtype)
    lesion = torch.cat([100 * sign, -100 * sign[:, :1]], dim=1).requires_grad_()
    many = (100 * sign).repeat(1, 1).requires_grad_()
    outputs = Outputs(lesion, {"site": many})
    value = head.objective(outputs, torch.zeros(4, 6), batch(sites), CrossEntropy(), counts(), 0.5)
    value.sum().backward()
    assert value.isfinite().all()
    assert lesion.grad.isfinite().all()
    assert many.grad.isfinite().all()


def test_many_large_site_logits_of_half_precision_do_not_overflow_where_no_site_is_known():
    head = make()
    logits = torch.full((1000, 2), 100.0, dtype=torch.float16)  # they add up to more than 65504
    outputs = Outputs(torch.zeros(1000, 3), {"site": logits})
    b = batch([-1] * 1000)
    value = head.objective(outputs, torch.zeros(1000, 6), b, CrossEntropy(), counts(), 0.0)
    assert value.item() == pytest.approx(math.log(3))


def test_weightings_are_checked_by_name():
    for name in NAMES:
        head = create("head", "body_site_mtl", {"weighting": name}, TASK)
        assert isinstance(head.weighting, WEIGHTINGS[name])
    with pytest.raises(InputError, match=r"head\.weighting"):
        create("head", "body_site_mtl", {"weighting": "adaptive"}, TASK)


@pytest.mark.parametrize("weighting", NAMES)
def test_the_loop_trains_with_every_weighting_and_mixed_batches(weighting):
    rng = np.random.default_rng(0)
    n, names = 24, np.array([f"i{k}" for k in range(24)])
    images = rng.integers(0, 255, (n, 8, 8, 3), dtype=np.uint8)
    data = LesionSet(
        images, np.arange(n) % 2, np.arange(n) % 3 - 1, names, names, ("a", "b"), ("x", "y")
    )
    torch.manual_seed(0)
    trunk = Backbone(nn.Conv2d(3, 4, 3, 2, 1), 4, (0.5,) * 3, (0.5,) * 3, "random")
    model = Model(trunk, BodySiteMultiTask(Task(4, ("a", "b"), ("x", "y")), weighting=weighting))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    parts = Parts(CrossEntropy(), Shuffle(), Mixup(alpha=1.0))
    settings = TrainSection(updates=4, batch_size=6, validations=1, learning_rate=0.1, warmup=0.0)
    train_classifier(
        model,
        Pool.of(data),
        Plan(parts, (Joint(),), partial(named, algorithm="SGD")),
        settings,
        lambda current: 0.0,
        TrainingContext(Accelerator(cpu=True), seed=1),
    )
    for name, tensor in model.state_dict().items():
        assert tensor.isfinite().all(), name
        assert not torch.equal(tensor, before[name]), name
