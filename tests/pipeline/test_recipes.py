"""Every recipe runs, and says what it composes."""

from __future__ import annotations

import pytest

from imbalance_derm import Experiment
from imbalance_derm.errors import InputError
from imbalance_derm.experiment.recipes import find_recipe, recipes
from imbalance_derm.experiment.settings import resolve


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("recipes")


@pytest.mark.parametrize("name", list(recipes()))
def test_every_recipe_runs_on_phantom(name, cache, tmp_path):
    experiment = Experiment(recipe=name, preset="smoke")
    record = experiment.run(tmp_path, cache=cache)
    assert record.spec["recipe"] == name
    assert record.data["updates"] == experiment.spec.train.updates
    assert 0 <= record.metrics["test"]["auc"].value <= 1
    for section, value in find_recipe(name).sections.items():
        if section in record.components:
            chosen = value if isinstance(value, str) else value["name"]
            assert record.components[section]["name"] == chosen


def test_options_win_over_a_recipe_and_a_recipe_over_presets():
    spec = resolve({"recipe": "bbn", "head": {"name": "single_task"}, "loss": "focal"}, "smoke")
    assert (spec.head.name, spec.loss.name, spec.recipe) == ("single_task", "focal", "bbn")
    stages = resolve({"recipe": "crt"}).stages
    assert [stage.name for stage in stages] == ["joint", "crt"]
    assert resolve({"recipe": "crt", "stages": ["joint"]}).stages[0].name == "joint"


def test_a_recipe_may_be_a_file_of_the_user(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('summary = "Mine"\nloss = "focal"\nstages = ["joint", "crt"]\n')
    spec = resolve({"recipe": str(file)})
    assert spec.loss.name == "focal"
    assert [stage.name for stage in spec.stages] == ["joint", "crt"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("loss = ", "is not valid TOML"),
        ('preset = "smoke"', "sets 'preset', which is for the run to say"),
        ('los = "focal"', r"unknown .*'.*los'.*loss"),
    ],
)
def test_a_wrong_recipe_is_told_in_one_line(tmp_path, text, said):
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(InputError, match=said):
        resolve({"recipe": str(file)})


def test_unknown_recipes_name_the_nearest():
    with pytest.raises(InputError, match=r"unknown recipe 'focl'.*'focal'.*imbderm recipes list"):
        resolve({"recipe": "focl"})
    with pytest.raises(InputError, match="cannot read recipe"):
        resolve({"recipe": "nowhere/mine.toml"})


def test_every_recipe_has_a_summary_and_a_source():
    for recipe in recipes().values():
        assert recipe.summary, recipe.name
        assert recipe.citation, recipe.name
        assert not recipe.summary.endswith("."), recipe.name
