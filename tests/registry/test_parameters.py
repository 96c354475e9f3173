"""Parameters come from the signature: typed, validated, documented."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import Field

from imbalance_derm.errors import InputError
from imbalance_derm.registry.manager import installed
from imbalance_derm.registry.parameters import (
    create,
    describe,
    parameter_model,
    resolve_name,
    validate,
)


class Part:
    """A part.

    Parameters
    ----------
    rate : float
        How fast,
        over two lines.
    mode : {"a", "b"}
        Which way.
    """

    def __init__(
        self,
        given: object,
        *,
        rate: Annotated[float, Field(gt=0, le=1)] = 0.5,
        mode: Literal["a", "b"] = "a",
        steps: int | None = None,
    ) -> None:
        pass


def test_describe_reads_type_default_limits_and_text():
    rate, mode, steps = describe(Part)
    assert (rate.name, rate.type, rate.default) == ("rate", "float", 0.5)
    assert set(rate.limits.split(", ")) == {"> 0", "<= 1"}
    assert rate.doc == "How fast, over two lines."
    assert (mode.type, mode.default) == ("a | b", "a")
    assert steps.default is None


def test_positional_arguments_are_no_parameters():
    assert "given" not in parameter_model(Part).model_fields


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"rat": 1}, "unknown setting 'synth.rat'; did you mean 'rate'"),
        ({"rate": 0}, "synth.rate=0: input should be greater than 0"),
        ({"rate": "fast"}, "synth.rate='fast': input should be a valid number"),
        ({"mode": "c"}, "synth.mode='c'"),
    ],
)
def test_a_bad_value_is_one_line_that_names_it(values, text):
    with pytest.raises(InputError) as error:
        validate("synth", parameter_model(Part), values)
    assert text in str(error.value)
    assert "\n" not in str(error.value)


def test_shorthand_sets_its_parameter():
    entry, values = resolve_name("loss", "weighted_ce/sqrt")
    assert (entry.component.name, values) == ("weighted_ce", {"weighting": "sqrt"})
    assert create("loss", "weighted_ce/sqrt").power == 0.5
    with pytest.raises(InputError, match="takes no '/2'"):
        resolve_name("loss", "focal/2")


def test_every_builtin_parameter_is_documented():
    missing = [
        f"{kind} {name}.{parameter.name}"
        for (kind, name), entry in installed().entries.items()
        for parameter in describe(entry.load())
        if not parameter.doc
    ]
    assert missing == []


def test_every_builtin_preset_value_is_valid():
    from imbalance_derm.experiment.settings import PRESETS, resolve
    from imbalance_derm.experiment.spec import PARTS

    for section, kind in PARTS.items():
        for name in installed().names(kind):
            for preset in PRESETS:
                assert resolve({section: name}, preset).preset == preset
