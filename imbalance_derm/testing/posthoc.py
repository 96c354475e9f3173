"""Rules of a post-hoc method."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from imbalance_derm.posthoc.contract import Posthoc, PosthocContext
from imbalance_derm.testing.build import Build
from imbalance_derm.testing.every import EVERY, HERE, REFUSAL, SAME, UNCHANGED, pickled, refusal
from imbalance_derm.testing.rule import require, rule

CONTRACT = "imbalance_derm.posthoc.contract"
CLASSES = (1, 2, 8)


def make_logits(seed: int, classes: int, n: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Return logits that are right more often than not, and labels of every class."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    return rng.normal(0, 1.5, (n, classes)) + 1.5 * np.eye(classes)[labels], labels


def make_context(classes: int, linear: bool = True) -> PosthocContext:
    """Return counts that fall from class to class, and a linear layer of 5 features."""
    real = 900.0 / np.arange(1, classes + 1) ** 2
    weight = np.random.default_rng(9).normal(size=(classes, 5))
    return PosthocContext(
        real, np.full(classes, 100.0), weight if linear else None, np.zeros(classes)
    )


def fitted(build: Build, classes: int, seed: int = 0) -> Posthoc:
    """Return the method, fitted."""
    method: Posthoc = build()
    method.fit(*make_logits(seed, classes), make_context(classes))
    return method


def require_logits(found: Any, given: np.ndarray, when: str) -> None:
    """Require new logits for each of `given`."""
    require(isinstance(found, np.ndarray), f"{when}, apply returns a {type(found).__name__}")
    text = f"{when}, apply returns {found.dtype} of shape {found.shape} for {given.shape}"
    require(found.shape == given.shape and found.dtype == np.float64, text)
    require(bool(np.isfinite(found).all()), f"{when}, apply returns values that are not finite")


@rule(CONTRACT, "Maps logits to better ones. Keyword-only arguments are the parameters.")
def it_is_a_posthoc_method(build: Build) -> None:
    """Look at its class."""
    require(isinstance(build(), Posthoc), "it is no Posthoc")


@rule(CONTRACT, "Return new logits, float64 (n, classes); their softmax are the probabilities.")
def logits_are_float64(build: Build) -> None:
    """Fitted on 1, 2 and 8 classes."""
    for classes in CLASSES:
        other = 20 * make_logits(1, classes, 7)[0]
        require_logits(fitted(build, classes).apply(other), other, f"with {classes} classes")


def hard_validations(classes: int) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Give validation sets that make a fit go astray."""
    logits, labels = make_logits(2, classes)
    yield "with one class missing from validation", *_rows(logits, labels, labels != classes - 1)
    yield "with one class in validation", *_rows(logits, labels, labels == 0)
    right = 200.0 * np.eye(classes)[labels] - 100.0
    yield "when every image of validation is right", right, labels
    yield "when every image of validation is wrong", -right, labels
    yield "when all logits are equal", np.zeros_like(right), labels
    yield "with one image in validation", right[:1], labels[:1]


def _rows(logits: np.ndarray, labels: np.ndarray, kept: np.ndarray) -> tuple[Any, Any]:
    return logits[kept], labels[kept]


@rule(CONTRACT, "Learn from validation.")
def hard_validation_is_borne_or_refused(build: Build) -> None:
    """Missing classes, certainty, a single image."""
    for classes in (2, 8):
        other, context = make_logits(3, classes)[0], make_context(classes)
        for when, logits, labels in hard_validations(classes):
            method: Posthoc = build()
            if not refusal(lambda m=method, z=logits, y=labels: m.fit(z, y, context)):  # type: ignore[misc] # noqa: B023
                require_logits(method.apply(other), other, when)


@rule(HERE, REFUSAL)
def a_head_without_linear_layer_is_borne_or_refused(build: Build) -> None:
    """Fit without weight and bias."""
    method: Posthoc = build()
    logits, labels = make_logits(0, 3)
    context = make_context(3, linear=False)
    if not refusal(lambda: method.fit(logits, labels, context)):
        require_logits(method.apply(logits), logits, "without a linear layer")


@rule(
    CONTRACT, "What is done to logits after training: fitted on validation, applied to everything."
)
def nothing_is_learned_in_apply(build: Build) -> None:
    """One by one and together, before and after other logits were seen."""
    for classes in CLASSES:
        method, other = fitted(build, classes), make_logits(1, classes, 7)[0]
        facts, together = method.facts(), method.apply(other)
        alone = np.concatenate([method.apply(row[None]) for row in other])
        close = np.allclose(alone, together, rtol=1e-10)
        require(close, "the logits of an image depend on the images beside it: it learns of test")
        method.apply(50 * make_logits(4, classes)[0] + 3)
        stays = np.array_equal(method.apply(other), together) and method.facts() == facts
        require(stays, "apply changes what was learned: it learns of test")


@rule(HERE, SAME)
def same_validation_same_logits(build: Build) -> None:
    """Two fits."""
    for classes in CLASSES:
        other = make_logits(1, classes)[0]
        one, again = (fitted(build, classes).apply(other) for _ in range(2))
        require(np.array_equal(one, again), "two fits on the same validation differ")


@rule(CONTRACT, "Return what was learned, for the record: JSON-able.")
def facts_are_json(build: Build) -> None:
    """There and back, without nan."""
    for classes in CLASSES:
        facts = fitted(build, classes).facts()
        try:
            back = json.loads(json.dumps(facts, allow_nan=False))
        except (TypeError, ValueError) as error:
            back = error
        require(back == facts, f"its facts are not plain JSON: {back}")


@rule(HERE, UNCHANGED)
def logits_are_not_changed(build: Build) -> None:
    """Logits, labels and counts before and after."""
    logits, labels = make_logits(0, 3)
    context, method = make_context(3), build()
    handed = (logits, labels, context.real_counts, context.fed_counts, context.weight)
    before = [value.copy() for value in handed if value is not None]
    method.fit(logits, labels, context)
    method.apply(logits)
    names = ("logits", "labels", "real_counts", "fed_counts", "weight")
    for name, value, copy in zip(names, handed, before, strict=True):
        require(np.array_equal(value, copy), f"it changes the {name} that it is handed")  # type: ignore[arg-type]


RULES = (
    *EVERY,
    it_is_a_posthoc_method,
    pickled(lambda build: fitted(build, 3)),
    logits_are_float64,
    hard_validation_is_borne_or_refused,
    a_head_without_linear_layer_is_borne_or_refused,
    nothing_is_learned_in_apply,
    same_validation_same_logits,
    facts_are_json,
    logits_are_not_changed,
)
