"""Suite files and their grids."""

from itertools import product
from pathlib import Path

import pytest

from imbalance_derm.errors import InputError
from imbalance_derm.suite.grid import grid
from imbalance_derm.suite.suite import Suite, read_suite

SUITES = sorted((Path(__file__).parents[2] / "benchmarks" / "suites").glob("*.toml"))


def suite(**fields):
    return Suite(name="some", preset="smoke", **fields)


def test_every_combination_once_and_the_seed_fastest():
    axes = {"synth": ["none", "smote"], "loss": ["ce", "focal", "weighted_ce"]}
    cells = grid(suite(axes=axes, seeds=[3, 1]), {})
    expected = list(product(axes["synth"], axes["loss"], ["3", "1"]))
    assert [tuple(cell.axes.values()) for cell in cells] == expected
    assert [(c.spec.synth.name, c.spec.loss.name, str(c.spec.seed)) for c in cells] == expected
    assert len({cell.name for cell in cells}) == len(cells)


def test_parts_take_parameters_and_base_settings_hold_for_all():
    axes = {"synth": [{"name": "duplicate", "quota": "x3"}, "none"]}
    base = {"data": "phantom", "train": {"updates": 7}, "loss": {"name": "focal", "gamma": 1.0}}
    first, second = grid(suite(axes=axes, base=base), {"data": {"image_size": 32}})
    assert first.axes["synth"] == "duplicate (quota=x3)"
    assert first.spec.synth.quota == "x3"
    for cell in (first, second):
        assert cell.spec.train.updates == 7
        assert cell.spec.loss.parameters["gamma"] == 1.0
        assert cell.spec.data.image_size == 32


def test_a_named_axis_overlays_sections():
    axes = {"size": {"small": {"data": {"image_size": 32}}, "large": {"data": {"image_size": 64}}}}
    small, large = grid(suite(axes=axes, base={"data": "phantom"}), {})
    assert (small.axes["size"], small.spec.data.image_size) == ("small", 32)
    assert (large.axes["size"], large.spec.data.image_size) == ("large", 64)


def test_exclusions_match_all_axes_that_they_name():
    axes = {"synth": ["none", "smote"], "loss": ["ce", "focal"]}
    exclude = [{"synth": "smote", "loss": ["focal", "ldam"], "reason": "known from before"}]
    cells = grid(suite(axes=axes, exclude=exclude), {})
    assert {(c.axes["synth"], c.axes["loss"]) for c in cells if c.excluded} == {("smote", "focal")}
    assert next(c.excluded for c in cells if c.excluded) == "known from before"


def test_an_overlay_sets_what_belongs_to_one_combination():
    axes = {"synth": ["none", "duplicate"], "loss": ["ce", "focal"]}
    overlay = [{"synth": "duplicate", "loss": "focal", "set": {"synth": {"quota": "x2"}}}]
    cells = grid(suite(axes=axes, overlay=overlay), {})
    assert [cell.spec.synth.quota for cell in cells] == ["balance", "balance", "balance", "x2"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"axes": {"loss": ["ce", "focall"]}}, "did you mean 'focal'"),
        ({"axes": {"colour": ["red"]}}, "axis 'colour'"),
        ({"axes": {"loss": ["ce", "ce"]}}, "the same run"),
        ({"axes": {"size": {"small": 3}}}, "axes.size.small"),
        ({"base": {"train": {"update": 3}}}, "train.update"),
    ],
)
def test_what_is_wrong_is_named(fields, said):
    with pytest.raises(InputError, match=said):
        grid(suite(**fields), {})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seeds = []", "seeds"),
        ("axess = {}", "axess"),
        ("axes.seed = [1]", "seeds = "),
        ("axes.loss = []", "no value"),
        ("exclude = [{ losss = 'ce' }]", "losss"),
        ("overlay = [{ losss = 'ce', set = {} }]", "losss"),
        ("name = ", "not valid TOML"),
    ],
)
def test_a_faulty_file_is_told_in_one_line(tmp_path, text, said):
    file = tmp_path / "faulty.toml"
    file.write_text(text)
    with pytest.raises(InputError, match=said) as caught:
        read_suite(file)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("file", SUITES, ids=lambda file: file.stem)
def test_the_suites_of_the_repository_are_sound(file):
    found = read_suite(file)
    assert found.summary
    assert grid(found, {"data": {"root": "somewhere"}})


def test_the_demo_suite_has_the_36_runs_that_it_is_known_for():
    cells = grid(read_suite(next(file for file in SUITES if file.stem == "demo")), {})
    assert len(cells) == 36
    assert {cell.spec.data.name for cell in cells} == {"phantom"}
