"""Rules of a head."""

from __future__ import annotations

import inspect
from dataclasses import replace

import torch

from imbalance_derm.losses.contract import ClassCounts
from imbalance_derm.losses.cross_entropy import CrossEntropy
from imbalance_derm.models.contract import Batch, Counts, Head, Outputs, Task
from imbalance_derm.registry.manager import installed
from imbalance_derm.testing.build import Build
from imbalance_derm.testing.every import EVERY, HERE, SAME, STATE, UNCHANGED, pickled
from imbalance_derm.testing.losses import reread
from imbalance_derm.testing.rule import require, rule

CONTRACT = "imbalance_derm.models.contract"
FEATURES, ROWS = 6, 9


def prepared(build: Build, classes: int = 3) -> Head:
    """Return a head of so many classes and two body sites."""
    torch.manual_seed(0)
    names = tuple(f"class{label}" for label in range(classes))
    head: Head = build(Task(FEATURES, names, ("back", "face")))
    return head


def trained(build: Build, classes: int = 3) -> Head:
    """Return a head that has seen a batch, and remembers it if it does."""
    head, batch = prepared(build, classes), make_batch(classes)
    head.train()(batch.inputs)
    if head.remembers():
        head.remember(batch.inputs, batch.labels)
    return head


def make_batch(classes: int = 3, second: int = 0) -> Batch:
    """Return features with labels, and as many rows again of a second stream."""
    rows = ROWS + second
    features = torch.randn(rows, FEATURES, generator=torch.Generator().manual_seed(1))
    return Batch(features, torch.arange(rows) % classes, torch.arange(rows) % 3 - 1, second=second)


def counts(classes: int = 3) -> Counts:
    """Return even class counts."""
    one, two = torch.ones(classes), torch.ones(2)
    return Counts(ClassCounts(one, one), ClassCounts(two, two))


def objective(head: Head, batch: Batch, progress: float = 0.5, classes: int = 3) -> torch.Tensor:
    """Return what is minimised with cross-entropy."""
    outputs = head(batch.inputs)
    return head.objective(
        outputs, batch.inputs, batch, CrossEntropy(), counts(classes), progress
    )  # fmt: skip


@rule(CONTRACT, "Maps features to logits. Constructed as ``Head(task, **parameters)``.")
def logits_have_a_column_for_each_class(build: Build) -> None:
    """Heads of 1, 2 and 8 classes."""
    for classes in (1, 2, 8):
        head = prepared(build, classes)
        require(isinstance(head, Head), "it is no Head")
        outputs = head(make_batch().inputs)
        require(isinstance(outputs, Outputs), f"it returns a {type(outputs).__name__}, not Outputs")
        shape, wanted = tuple(outputs.logits.shape), (ROWS, classes)
        require(shape == wanted, f"its logits have shape {shape}, not {wanted}")


@rule(
    CONTRACT, "A scalar; or one value per task, whose sum is minimised after conflicting gradients"
)
def gradient_reaches_every_parameter(build: Build) -> None:
    """Take the objective at three times of a training, with a second stream if asked."""
    for classes in (1, 2, 8):
        head = prepared(build, classes)
        for progress in (0.0, 0.5, 1.0):
            for second in (0, ROWS if head.second_sampler else 0):
                value = objective(head, make_batch(classes, second), progress, classes)
                require(value.ndim <= 1, f"its objective has shape {tuple(value.shape)}")
                require(bool(value.isfinite().all()), "its objective is not finite")
                require(value.requires_grad, "its objective has no gradient")
                head.zero_grad()
                value.sum().backward()
                for name, parameter in head.named_parameters():
                    if parameter.requires_grad:
                        require(parameter.grad is not None, f"no gradient reaches '{name}'")
                        finite = bool(parameter.grad.isfinite().all())  # type: ignore[union-attr]
                        require(finite, f"the gradient of '{name}' is not finite")


@rule(CONTRACT, "Return the outputs for features (n, d); nothing else is known at test time.")
def an_image_is_judged_by_itself(build: Build) -> None:
    """One by one, and all together; the body site is no argument."""
    arguments = list(inspect.signature(type(prepared(build)).forward).parameters)
    require(len(arguments) == 2, f"forward takes {', '.join(arguments[1:])}, not features only")
    head, features = trained(build).eval(), make_batch().inputs
    together = head(features).logits
    alone = torch.cat([head(row[None]).logits for row in features])
    close = torch.allclose(together, alone, rtol=1e-4, atol=1e-5)
    require(close, "in evaluation the logits of an image depend on the images beside it")


@rule(CONTRACT, "The linear layer whose output the lesion logits are; None where there is none.")
def linear_layer_gives_the_logits(build: Build) -> None:
    """Compare its output with the logits."""
    head, features = prepared(build).eval(), make_batch().inputs
    if head.linear is not None:
        close = torch.allclose(head(features).logits, head.linear(features), atol=1e-5)
        require(close, "its logits are not the output of its linear layer")


@rule(CONTRACT, "A mean over examples is :meth:`Batch.mean`, which takes the rows' weights into")
def objective_is_linear_in_the_weights(build: Build) -> None:
    """Weights of 0, of 1, and a sum of two."""
    head, batch = prepared(build).eval(), make_batch()
    one, other = torch.rand(2, ROWS, generator=torch.Generator().manual_seed(2))

    def weighted(weights: torch.Tensor | None) -> torch.Tensor:
        return objective(head, replace(batch, weights=weights), 0.0).sum()

    even = torch.allclose(weighted(torch.ones(ROWS)), weighted(None), rtol=1e-5)
    require(even, "weights of 1 give another objective than none")
    sums = torch.allclose(weighted(one + other), weighted(one) + weighted(other), rtol=1e-4)
    require(sums, "its objective is not linear in the rows' weights")


@rule(CONTRACT, "A sampler by its registered name: every batch then ends with as many rows of that")
def second_sampler_is_registered(build: Build) -> None:
    """Look for the sampler."""
    asked = build.target.second_sampler
    known = ("", *installed().names("sampler"))
    require(asked in known, f"it asks for a sampler '{asked}' that is not registered")


@rule(CONTRACT, "The head without what this one adds, by its registered name: what ``--paired``")
def twin_is_registered(build: Build) -> None:
    """Look for the twin."""
    asked = build.target.twin
    known = ("", *installed().names("head"))
    require(asked in known, f"its twin '{asked}' is not registered")


@rule(HERE, STATE)
def it_is_read_back(build: Build) -> None:
    """Load what was trained and remembered into a new head."""
    for classes in (1, 2, 8):
        head, again = trained(build, classes), prepared(build, classes)
        with torch.no_grad():
            for parameter in head.parameters():
                parameter.add_(torch.rand_like(parameter))
        again.load_state_dict(reread(head.state_dict()))
        features = make_batch().inputs
        equal = torch.equal(head.eval()(features).logits, again.eval()(features).logits)
        require(equal, "a new head that has loaded its state gives other logits")


@rule(HERE, SAME)
def same_seed_same_objective(build: Build) -> None:
    """Two heads, and the same draws of PyTorch."""
    values = []
    for _ in range(2):
        head = prepared(build)
        torch.manual_seed(7)
        values.append(objective(head, make_batch()).detach())
    require(torch.equal(*values), "the same seed of PyTorch gives another objective")


@rule(HERE, UNCHANGED)
def features_are_not_changed(build: Build) -> None:
    """Features and labels before and after."""
    head, batch = prepared(build), make_batch()
    before = batch.inputs.clone(), batch.labels.clone()
    objective(head, batch)
    if head.remembers():
        head.remember(batch.inputs, batch.labels)
    head.eval()(batch.inputs)
    require(torch.equal(batch.inputs, before[0]), "it changes the features that it is handed")
    require(torch.equal(batch.labels, before[1]), "it changes the labels that it is handed")


RULES = (
    *EVERY,
    pickled(prepared),
    logits_have_a_column_for_each_class,
    gradient_reaches_every_parameter,
    an_image_is_judged_by_itself,
    linear_layer_gives_the_logits,
    objective_is_linear_in_the_weights,
    second_sampler_is_registered,
    twin_is_registered,
    it_is_read_back,
    same_seed_same_objective,
    features_are_not_changed,
)
