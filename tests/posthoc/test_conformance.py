"""What holds for every post-hoc method, whatever validation looks like."""

from __future__ import annotations

import json

import numpy as np
import pytest

from imbalance_derm.posthoc.contract import Posthoc
from imbalance_derm.registry.manager import installed
from imbalance_derm.registry.parameters import create

NAMES = installed().names("posthoc")


def check_on(posthoc: Posthoc, other: np.ndarray) -> None:
    found = posthoc.apply(other)
    assert found.shape == other.shape
    assert found.dtype == np.float64
    assert np.isfinite(found).all()
    # Strict JSON, and back to the same: plain numbers, none of them nan or infinite.
    facts = posthoc.facts()
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("classes", [1, 2, 8])
def test_conformance(name: str, classes: int, make_logits, context) -> None:
    logits, labels = make_logits(0, classes=classes)
    other, _ = make_logits(1, n=7, classes=classes, overconfidence=50.0)
    given = logits.copy(), labels.copy(), other.copy()
    fitted = []
    for _ in range(2):
        posthoc: Posthoc = create("posthoc", name)
        posthoc.fit(logits, labels, context(classes))
        check_on(posthoc, other)
        fitted.append(posthoc)
    first, second = fitted
    np.testing.assert_array_equal(first.apply(other), second.apply(other))
    assert first.facts() == second.facts()
    # Each image is judged by itself, and nothing that was handed over has changed.
    alone = np.concatenate([first.apply(row[None]) for row in other])
    np.testing.assert_allclose(alone, first.apply(other), rtol=1e-12)
    for before, after in zip(given, (logits, labels, other), strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("classes", [2, 8])
@pytest.mark.parametrize("left", [1, 7])
def test_classes_missing_from_validation(
    name: str, classes: int, left: int, make_logits, context
) -> None:
    logits, labels = make_logits(2, classes=classes)
    kept = labels < min(left, classes - 1)
    assert kept.any()
    posthoc: Posthoc = create("posthoc", name)
    posthoc.fit(logits[kept], labels[kept], context(classes))
    check_on(posthoc, make_logits(3, classes=classes)[0])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("classes", [2, 8])
def test_extreme_validation(name: str, classes: int, make_logits, context) -> None:
    other = make_logits(4, classes=classes, overconfidence=20.0)[0]
    labels = np.arange(3 * classes) % classes
    right = 200.0 * np.eye(classes)[labels] - 100.0
    for logits in (right, -right, np.zeros_like(right), np.full_like(right, 100.0)):
        posthoc: Posthoc = create("posthoc", name)
        posthoc.fit(logits, labels, context(classes))
        check_on(posthoc, other)
    posthoc = create("posthoc", name)
    posthoc.fit(right[:1], labels[:1], context(classes))
    check_on(posthoc, other)
