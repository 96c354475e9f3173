"""What holds for every part, whatever its kind.

A part is announced by a name of lower-case letters, digits, ``-`` and ``_``.
Every parameter has a type and a text in the docstring, and all have defaults within their bounds.
Every preset is a set of allowed values.
What a part is handed stays as it was.
The same seed and the same input give the same result.
What a part has learned is in its state, so that a checkpoint brings it back.
A part can be pickled: worker processes are handed copies.
An error that the user can mend is an ``InputError`` of one line.
"""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import torch

from imbalance_derm.errors import InputError
from imbalance_derm.registry.component import API, KINDS
from imbalance_derm.testing.build import Build
from imbalance_derm.testing.rule import Rule, fail, require, rule

HERE = "imbalance_derm.testing.every"
UNCHANGED = "What a part is handed stays as it was."
SAME = "The same seed and the same input give the same result."
STATE = "What a part has learned is in its state, so that a checkpoint brings it back."
REFUSAL = "An error that the user can mend is an ``InputError`` of one line."


@rule(HERE, "A part is announced by a name of lower-case letters, digits, ``-`` and ``_``.")
def name_can_be_typed(build: Build) -> None:
    """Look at the announcement."""
    component = build.component
    known = re.fullmatch(r"[a-z0-9][a-z0-9_-]*", component.name) is not None
    require(known, f"it is announced by the name {component.name!r}")
    require(component.kind in KINDS, f"it is announced as of kind {component.kind!r}")


@rule("imbalance_derm.registry.component", "One line that says what the component does.")
def summary_is_one_line(build: Build) -> None:
    """Look at the summary."""
    lines = build.component.summary.strip().splitlines()
    require(len(lines) == 1, f"its summary has {len(lines)} lines")


@rule("imbalance_derm.registry.component", "Version of the contract that the component was")
def contract_is_this_one(build: Build) -> None:
    """Compare versions of the contract."""
    require(build.component.api == API, f"it speaks contract {build.component.api}, this is {API}")


@rule(HERE, "Every parameter has a type and a text in the docstring, and all have defaults")
def parameters_are_described(build: Build) -> None:
    """Describe the parameters as ``imbderm plugins info`` does, and take all defaults."""
    from imbalance_derm.registry.parameters import describe, parameter_model, validate

    try:
        described = describe(build.target)
    except InputError as error:
        cause = error.__cause__ or error
        fail(f"its parameters cannot be described: {type(cause).__name__}: {cause}")
    json.dumps([parameter.default for parameter in described])
    for parameter in described:
        require(bool(parameter.doc), f"parameter '{parameter.name}' has no text in the docstring")
        require(parameter.type != "any", f"parameter '{parameter.name}' has no type")
    try:
        validate(build.component.kind, parameter_model(build.target), {})
    except InputError as error:
        fail(f"a default is missing or out of bounds: {error}")


@rule(HERE, "Every preset is a set of allowed values.")
def presets_are_allowed(build: Build) -> None:
    """Validate each preset; a section's own settings are left to the kind."""
    from imbalance_derm.registry.parameters import parameter_model, validate

    model = parameter_model(build.target)
    presets: dict[str, dict[str, Any]] = getattr(build.target, "presets", {})
    for preset, values in presets.items():
        known = {key: value for key, value in values.items() if key in model.model_fields}
        if build.component.kind not in ("dataset", "synthesizer"):
            known = values
        try:
            validate(build.component.kind, model, known)
        except InputError as error:
            fail(f"preset '{preset}': {error}")


EVERY: tuple[Rule, ...] = (
    name_can_be_typed,
    summary_is_one_line,
    contract_is_this_one,
    parameters_are_described,
    presets_are_allowed,
)
"""Rules of every kind."""


def pickled(make: Callable[[Build], Any]) -> Rule:
    """Return the rule that what `make` builds can be pickled."""

    def it_can_be_pickled(build: Build) -> None:
        part = make(build)
        try:
            pickle.loads(pickle.dumps(part))
        except Exception as error:
            fail(f"it cannot be pickled: {type(error).__name__}: {error}")

    return Rule(
        HERE, "A part can be pickled: worker processes are handed copies.", it_can_be_pickled
    )


def refusal(attempt: Callable[[], Any]) -> str:
    """Return the text of the InputError that `attempt` raises, "" where it raises none."""
    try:
        attempt()
    except InputError as error:
        text = str(error)
        require(bool(text) and "\n" not in text, f"the error has {len(text.splitlines())} lines")
        return text
    return ""


def same(one: Any, other: Any) -> bool:
    """Whether two results are equal: arrays, tensors, and what holds some; nan equals nan."""
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return one.dtype == other.dtype and bool(
            one.shape == other.shape and torch.allclose(one, other, rtol=0, atol=0, equal_nan=True)
        )
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        floating = np.issubdtype(one.dtype, np.floating)
        return bool(np.array_equal(one, other, equal_nan=floating))
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if is_dataclass(one) and type(one) is type(other):
        return all(same(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))
    return bool(one == other)
