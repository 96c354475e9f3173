"""Rules of a loss."""

from __future__ import annotations

import io

import torch

from imbalance_derm.losses.contract import ClassCounts, Loss, apply_loss
from imbalance_derm.testing.build import Build
from imbalance_derm.testing.every import EVERY, HERE, SAME, UNCHANGED, pickled
from imbalance_derm.testing.rule import require, rule

CONTRACT = "imbalance_derm.losses.contract"
FEATURES = 5


def prepared(build: Build, classes: int = 3) -> Loss:
    """Return the loss as a training has it."""
    torch.manual_seed(0)
    loss: Loss = build()
    loss.prepare(classes, FEATURES)
    return loss


def inputs(labels: torch.Tensor, classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return moderate logits and features, both to be differentiated."""
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(len(labels), classes, generator=generator)
    features = torch.randn(len(labels), FEATURES, generator=generator)
    return logits.requires_grad_(True), features.requires_grad_(True)


def decreasing(classes: int) -> ClassCounts:
    """Return real counts that fall from class to class."""
    return ClassCounts(real=100.0 / torch.arange(1, classes + 1), fed=torch.full((classes,), 20.0))


def evaluated(loss: Loss) -> torch.Tensor:
    """Return the values of twelve examples; draws come from PyTorch's generator."""
    labels = torch.arange(12) % 3
    logits, features = inputs(labels, 3)
    torch.manual_seed(7)
    return apply_loss(loss, logits, labels, decreasing(3), features, progress=0.5)


@rule(CONTRACT, "Base of every loss.")
def it_is_a_loss(build: Build) -> None:
    """Look at its class."""
    require(isinstance(build(), Loss), "it is no Loss")


@rule(CONTRACT, 'counts : {"real", "fed"}')
def counts_are_real_or_fed(build: Build) -> None:
    """Look at the counts that it asks for."""
    counts = build().counts
    require(counts in ("real", "fed"), f"its attribute counts is {counts!r}")


@rule(CONTRACT, "Return one loss value per example.")
def one_value_per_example(build: Build) -> None:
    """Batches of one and of many rows, of 1, 2 and 8 classes; most lack a class."""
    for classes in (1, 2, 8):
        for rows in (1, 2, 7):
            labels = torch.arange(rows) % classes
            logits, features = inputs(labels, classes)
            loss = prepared(build, classes)
            values = apply_loss(loss, logits, labels, decreasing(classes), features)
            shape = tuple(values.shape)
            text = f"it returns shape {shape} for {rows} examples of {classes} classes"
            require(shape == (rows,), text)
            require(bool(values.isfinite().all()), f"{text}, not all finite")


@rule(CONTRACT, "The loop takes the mean.")
def gradient_reaches_every_row(build: Build) -> None:
    """Take the gradient of the mean, at the logits."""
    for classes in (2, 8):
        labels = torch.arange(3 * classes) % classes
        logits, features = inputs(labels, classes)
        loss = prepared(build, classes)
        mean = apply_loss(loss, logits, labels, decreasing(classes), features).mean()
        require(mean.requires_grad, "no gradient of the mean reaches the logits")
        mean.backward()
        gradient = logits.grad
        require(gradient is not None, "no gradient of the mean reaches the logits")
        reached = int((logits.grad.abs().sum(dim=1) > 0).sum())  # type: ignore[union-attr]
        text = f"the gradient of the mean reaches {reached} of {len(labels)} rows of the logits"
        require(reached == len(labels), text)


@rule(CONTRACT, "Evaluate `loss` in float32 with the class counts that it asked for;")
def extremes_stay_finite(build: Build) -> None:
    """Logits of 100 to either side, a class without images, half precision."""
    for classes in (1, 2, 8):
        labels = torch.arange(classes)
        counts = torch.ones(classes)
        counts[1:][-1:] = 0.0
        for dtype in (torch.float16, torch.bfloat16, torch.float32):
            for favourite in (torch.zeros_like(labels), labels):
                logits = torch.full((classes, classes), -100.0, dtype=dtype)
                logits[labels, favourite] = 100.0
                logits.requires_grad_(True)
                features = torch.full((classes, FEATURES), 50.0, dtype=dtype)
                loss = prepared(build, classes)
                values = apply_loss(loss, logits, labels, ClassCounts(counts, counts), features)
                text = f"at logits of 100 and -100, {dtype}, {classes} classes"
                require(bool(values.isfinite().all()), f"{text}: the value is not finite")
                if values.requires_grad:
                    values.sum().backward()
                ok = logits.grad is None or bool(logits.grad.isfinite().all())
                require(ok, f"{text}: the gradient is not finite")


@rule(HERE, UNCHANGED)
def input_is_not_changed(build: Build) -> None:
    """Logits, labels, features and counts before and after."""
    labels = torch.arange(12) % 3
    logits, features = (tensor.detach() for tensor in inputs(labels, 3))
    counts = decreasing(3)
    handed = {
        "logits": logits,
        "labels": labels,
        "features": features,
        "class_counts": counts.real if build.target.counts == "real" else counts.fed,
    }
    before = {name: tensor.clone() for name, tensor in handed.items()}
    apply_loss(prepared(build), logits, labels, counts, features)
    for name, tensor in handed.items():
        require(torch.equal(tensor, before[name]), f"it changes the {name} that it is handed")


@rule(HERE, SAME)
def same_seed_same_value(build: Build) -> None:
    """Two losses, and the same draws."""
    one, other = evaluated(prepared(build)), evaluated(prepared(build))
    require(torch.equal(one, other), "the same seed of PyTorch gives other values")


@rule(CONTRACT, "Parameters are trained with the model's, and buffers go into its checkpoints.")
def it_goes_on_from_its_state(build: Build) -> None:
    """Save it after an evaluation, load it into a new one."""
    loss = prepared(build)
    evaluated(loss).sum().backward()  # moves buffers, if there are any
    with torch.no_grad():
        for parameter in loss.parameters():
            parameter.add_(torch.rand_like(parameter))
    again = prepared(build)
    again.load_state_dict(reread(loss.state_dict()))
    text = "a new one that has loaded its state gives other values"
    require(torch.equal(evaluated(again), evaluated(loss)), text)


def reread(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return a state written and read as checkpoints are: tensors and plain values."""
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    read: dict[str, torch.Tensor] = torch.load(file, weights_only=True)
    return read


RULES = (
    *EVERY,
    it_is_a_loss,
    counts_are_real_or_fed,
    pickled(prepared),
    one_value_per_example,
    gradient_reaches_every_row,
    extremes_stay_finite,
    input_is_not_changed,
    same_seed_same_value,
    it_goes_on_from_its_state,
)
