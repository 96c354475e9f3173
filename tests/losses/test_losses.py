"""Every loss against an independent computation in float64, value and gradient."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional
from torchvision.ops import sigmoid_focal_loss

from imbalance_derm.errors import InputError
from imbalance_derm.losses.contract import ClassCounts, Loss, LossContext, apply_loss
from imbalance_derm.losses.cross_entropy import CrossEntropy, WeightedCrossEntropy
from imbalance_derm.losses.focal import Focal
from imbalance_derm.losses.logit_adjustment import LogitAdjustment
from imbalance_derm.registry.manager import installed
from imbalance_derm.registry.parameters import create

COUNTS = [90.0, 9.0, 1.0]


def softmax(row: list[float]) -> list[float]:
    total = sum(math.exp(z) for z in row)
    return [math.exp(z) / total for z in row]


def ce(row, label):
    return -math.log(softmax(row)[label])


def with_mean_weight_1(weights, row, label):
    scale = sum(c * w for c, w in zip(COUNTS, weights, strict=True)) / sum(COUNTS)
    return weights[label] / scale * ce(row, label)


def weighted(row, label, power):
    return with_mean_weight_1([c**-power for c in COUNTS], row, label)


def effective(row, label, beta):
    return with_mean_weight_1([(1 - beta) / (1 - beta**c) for c in COUNTS], row, label)


def focal(row, label, gamma, alpha):
    p = softmax(row)[label]
    return -alpha[label] * (1 - p) ** gamma * math.log(p)


def adjusted(row, label, tau):
    return ce(
        [z + tau * math.log(c / sum(COUNTS)) for z, c in zip(row, COUNTS, strict=True)], label
    )


TABLE = [
    (CrossEntropy(), ce),
    (WeightedCrossEntropy(), lambda r, y: weighted(r, y, 1.0)),
    (WeightedCrossEntropy(weighting="sqrt"), lambda r, y: weighted(r, y, 0.5)),
    (WeightedCrossEntropy(weighting="effective"), lambda r, y: effective(r, y, 0.9999)),
    (WeightedCrossEntropy(weighting="effective", beta=0.9), lambda r, y: effective(r, y, 0.9)),
    (Focal(gamma=2.0), lambda r, y: focal(r, y, 2.0, [1, 1, 1])),
    (Focal(gamma=0.5, alpha=[0.2, 0.3, 0.5]), lambda r, y: focal(r, y, 0.5, [0.2, 0.3, 0.5])),
    (LogitAdjustment(), lambda r, y: adjusted(r, y, 1.0)),
    (LogitAdjustment(tau=1.7), lambda r, y: adjusted(r, y, 1.7)),
]


@pytest.mark.parametrize(("loss", "formula"), TABLE, ids=lambda x: type(x).__name__)
def test_value_and_gradient_equal_the_formula(loss: Loss, formula):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(12, 3, dtype=torch.float64, generator=generator, requires_grad=True)
    labels = torch.arange(12) % 3
    context = LossContext(torch.tensor(COUNTS, dtype=torch.float64))
    values = loss(logits, labels, context)
    rows = logits.detach().tolist()
    expected = [formula(row, int(label)) for row, label in zip(rows, labels, strict=True)]
    torch.testing.assert_close(values, torch.tensor(expected, dtype=torch.float64))
    assert torch.autograd.gradcheck(lambda z: loss(z, labels, context), (logits,))


def test_focal_and_logit_adjustment_collapse_into_cross_entropy():
    logits, labels = torch.randn(20, 4, dtype=torch.float64), torch.arange(20) % 4
    context = LossContext(torch.tensor([5.0, 3.0, 1.0, 1.0], dtype=torch.float64))
    plain = CrossEntropy()(logits, labels, context)
    torch.testing.assert_close(Focal(gamma=0.0)(logits, labels, context), plain)
    torch.testing.assert_close(LogitAdjustment(tau=0.0)(logits, labels, context), plain)
    even = LossContext(torch.full((4,), 7.0, dtype=torch.float64))
    torch.testing.assert_close(LogitAdjustment()(logits, labels, even), plain)
    torch.testing.assert_close(WeightedCrossEntropy()(logits, labels, even), plain)


def test_weighted_cross_entropy_equals_torch_up_to_its_fixed_scale():
    logits, labels = torch.randn(30, 3, dtype=torch.float64), torch.arange(30) % 3
    counts = torch.tensor(COUNTS, dtype=torch.float64)
    mine = WeightedCrossEntropy()(logits, labels, LossContext(counts))
    theirs = functional.cross_entropy(logits, labels, weight=1 / counts, reduction="none")
    ratio = mine / theirs
    torch.testing.assert_close(ratio, torch.full_like(ratio, float(ratio[0])))
    fed = torch.tensor(COUNTS, dtype=torch.float64) / sum(COUNTS)
    weights = WeightedCrossEntropy()(torch.zeros(3, 3), torch.arange(3), LossContext(counts))
    torch.testing.assert_close((fed * weights).sum(), torch.tensor(3.0).double().log())


def test_binary_focal_equals_torchvision_on_the_difference_of_logits():
    logits, labels = torch.randn(50, 2, dtype=torch.float64), torch.arange(50) % 2
    context = LossContext(torch.tensor([1.0, 1.0], dtype=torch.float64))
    theirs = sigmoid_focal_loss(
        logits[:, 1] - logits[:, 0], labels.double(), alpha=0.25, gamma=2.0, reduction="none"
    )
    mine = Focal(gamma=2.0, alpha=[0.75, 0.25])(logits, labels, context)
    torch.testing.assert_close(mine, theirs)


FEATURES = 5
every_loss = pytest.mark.parametrize("name", installed().names("loss"))


def prepared(name: str, classes: int) -> Loss:
    torch.manual_seed(0)
    loss: Loss = create("loss", name)
    loss.prepare(classes, FEATURES)
    return loss


def inputs(labels: torch.Tensor, classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Moderate logits and features, both to be differentiated."""
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(len(labels), classes, generator=generator)
    features = torch.randn(len(labels), FEATURES, generator=generator)
    return logits.requires_grad_(True), features.requires_grad_(True)


def decreasing(classes: int) -> ClassCounts:
    return ClassCounts(real=100.0 / torch.arange(1, classes + 1), fed=torch.full((classes,), 20.0))


def assert_finite(values: torch.Tensor, rows: int, *leaves: torch.Tensor) -> None:
    assert values.shape == (rows,)
    assert torch.isfinite(values).all()
    values.sum().backward()
    assert all(leaf.grad is None or torch.isfinite(leaf.grad).all() for leaf in leaves)


@every_loss
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("favourite", ["first", "own"])
@pytest.mark.parametrize("classes", [1, 2, 8])
def test_extreme_logits_and_a_class_never_fed_stay_finite(name, dtype, favourite, classes):
    loss, labels = prepared(name, classes), torch.arange(classes)
    logits = torch.full((classes, classes), -100.0, dtype=dtype)
    logits[labels, labels if favourite == "own" else 0] = 100.0
    logits.requires_grad_(True)
    features = torch.full((classes, FEATURES), 50.0, dtype=dtype, requires_grad=True)
    counts = torch.ones(classes)
    counts[1:][-1:] = 0.0
    values = apply_loss(loss, logits, labels, ClassCounts(counts, counts), features)
    assert_finite(values, classes, logits, features, *loss.parameters())


@every_loss
@pytest.mark.parametrize("labels", [[0], [2, 2], [0, 1, 1, 0, 1]])
def test_a_class_missing_from_the_batch_and_a_batch_of_one_are_fine(name, labels):
    loss, y = prepared(name, 3), torch.tensor(labels)
    logits, features = inputs(y, 3)
    values = apply_loss(loss, logits, y, decreasing(3), features)
    assert_finite(values, len(labels), logits, features, *loss.parameters())


@every_loss
@pytest.mark.parametrize("classes", [2, 8])
def test_the_gradient_reaches_the_logits_of_every_row(name, classes):
    loss, labels = prepared(name, classes), torch.arange(3 * classes) % classes
    logits, features = inputs(labels, classes)
    apply_loss(loss, logits, labels, decreasing(classes), features).mean().backward()
    assert (logits.grad.abs().sum(dim=1) > 0).all()


@every_loss
def test_a_loss_goes_on_from_its_state(name, tmp_path):
    labels = torch.arange(12) % 3
    logits, features = inputs(labels, 3)

    def evaluate(loss: Loss) -> torch.Tensor:
        torch.manual_seed(7)  # of losses that draw
        return apply_loss(loss, logits, labels, decreasing(3), features, progress=0.5)

    loss = prepared(name, 3)
    evaluate(loss).sum().backward()  # moves buffers, if there are any
    with torch.no_grad():
        for parameter in loss.parameters():
            parameter += torch.rand_like(parameter)
    torch.save(loss.state_dict(), tmp_path / "loss.pt")
    again = prepared(name, 3)
    again.load_state_dict(torch.load(tmp_path / "loss.pt", weights_only=True))
    assert torch.equal(evaluate(again), evaluate(loss))


@every_loss
def test_float64_in_gives_float64_out(name):
    loss, labels = prepared(name, 3).double(), torch.arange(6) % 3
    logits, features = (tensor.double() for tensor in inputs(labels, 3))
    counts = decreasing(3)
    wanted = (counts.real if loss.counts == "real" else counts.fed).double()
    values = loss(logits, labels, LossContext(wanted, features))
    assert values.dtype == torch.float64


def test_alpha_of_the_wrong_length_is_refused():
    context = LossContext(torch.ones(3))
    with pytest.raises(InputError, match=r"2 values for 3 classes"):
        Focal(alpha=[1.0, 1.0])(torch.zeros(1, 3), torch.tensor([0]), context)


def test_a_loss_gets_the_counts_that_it_asks_for():
    class Spy(Loss):
        def forward(self, logits, labels, context):
            self.seen = context.class_counts
            return logits.sum(dim=1)

    class FedSpy(Spy):
        counts = "fed"

    counts = ClassCounts(real=torch.tensor([9.0, 1.0]), fed=torch.tensor([5.0, 5.0]))
    for loss, expected in ((Spy(), counts.real), (FedSpy(), counts.fed)):
        apply_loss(loss, torch.zeros(1, 2), torch.tensor([0]), counts)
        assert torch.equal(loss.seen, expected)
