"""``imbderm recipes`` and the options that compose schedules, as a user types them."""

from __future__ import annotations

import json
import tomllib

import pytest
from click.testing import CliRunner

from imbalance_derm.cli.main import imbderm
from imbalance_derm.errors import InputError
from imbalance_derm.experiment.recipes import recipes
from imbalance_derm.experiment.settings import resolve


def say(*words: str) -> str:
    result = CliRunner().invoke(imbderm, list(words), catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_every_recipe_is_listed_with_its_source():
    lines = say("recipes", "list").splitlines()[1:]
    assert [line.split()[0] for line in lines] == list(recipes())
    rows = json.loads(say("recipes", "list", "--json"))
    assert [row["name"] for row in rows] == list(recipes())
    assert all(row["citation"] for row in rows)


@pytest.mark.parametrize("name", list(recipes()))
def test_what_is_shown_is_a_recipe_itself(name, tmp_path):
    text = say("recipes", "show", name)
    file = tmp_path / f"{name}.toml"
    file.write_text(text, encoding="utf-8")
    shown, known = tomllib.loads(text), recipes()[name]
    assert shown.pop("summary") == known.summary
    assert shown.pop("citation") == known.citation
    assert shown == known.sections
    again = resolve({"recipe": str(file)}, "smoke").model_dump()
    original = resolve({"recipe": name}, "smoke").model_dump()
    assert again | {"recipe": ""} == original | {"recipe": ""}


def test_stages_optimiser_and_posthoc_are_options(tmp_path):
    words = [
        "run", "--preset", "smoke", "--stage", "joint", "--stage", "crt", "--optimizer", "sam/SGD",
        "--posthoc", "temperature", "--set", "train.updates=4", "--set", "data.images=96",
        "--out", str(tmp_path), "--json",
    ]  # fmt: skip
    record = json.loads(say(*words))
    assert [stage["name"] for stage in record["spec"]["stages"]] == ["joint", "crt"]
    assert record["components"]["stage 2"]["name"] == "crt"
    assert record["spec"]["optimizer"]["algorithm"] == "SGD"
    assert record["components"]["posthoc"]["name"] == "temperature"


def test_paired_without_a_twin_is_refused(tmp_path):
    words = ["run", "--preset", "smoke", "--paired", "--out", str(tmp_path)]
    result = CliRunner().invoke(imbderm, words)
    assert isinstance(result.exception, InputError)
    assert "head 'single_task' has no twin" in str(result.exception)
