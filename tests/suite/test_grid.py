"""Suite files and their grids."""

import os
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch

from imbalance_derm.errors import InputError
from imbalance_derm.evaluation.decision import ARGMAX
from imbalance_derm.evaluation.evaluate import evaluate
from imbalance_derm.evaluation.long_tail import long_tail_accuracy
from imbalance_derm.evaluation.predictions import Predictions
from imbalance_derm.experiment.settings import parse_setting
from imbalance_derm.suite.grid import grid
from imbalance_derm.suite.plan import default_jobs
from imbalance_derm.suite.suite import Suite, read_suite

FOLDER = Path(__file__).parents[2] / "benchmarks" / "suites"
SUITES = sorted(FOLDER.glob("*.toml"))


def suite(**fields):
    return Suite(name="some", preset="smoke", **fields)


def figures_of_a_record():
    """Names of what the evaluation finds of three classes, by class and of the long tail."""
    ids, p = np.arange(6).astype(str), np.eye(3)[[0, 0, 1, 1, 2, 2]] * 0.4 + 0.2
    said = Predictions(ids, ids, np.array([0, 0, 1, 1, 2, 2]), p, ("nv", "mel", "df"))
    tail = long_tail_accuracy(said, ARGMAX, np.array([9, 5, 1]), resamples=100)
    return {*evaluate(said, ARGMAX, resamples=100).figures, *tail}


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
    exclude = [{"synth": "smote", "loss": ["focal"], "reason": "known from before"}]
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
        ({"base": {"seed": 5}}, r"'seed' .* write seeds = \["),
        ({"axes": {"size": {"small": {"seed": 5}}}}, r"'seed' .* write seeds = \["),
        ({"overlay": [{"set": {"preset": "smoke"}}]}, "'preset' .* write preset = "),
    ],
)
def test_what_is_wrong_is_named(fields, said):
    with pytest.raises(InputError, match=said):
        grid(suite(**fields), {})


@pytest.mark.parametrize("setting", ["seed=5", "preset=paper"])
def test_a_setting_that_the_suite_has_for_itself_is_not_ignored(setting):
    with pytest.raises(InputError, match="at the top of the suite"):
        grid(suite(), parse_setting(setting))


@pytest.mark.parametrize(
    "base", [{"data": "photos"}, {"data": {"name": "folder", "root": "photos"}}]
)
def test_the_data_are_found_from_any_folder(base, tmp_path, monkeypatch):
    (tmp_path / "photos").mkdir()
    monkeypatch.chdir(tmp_path)
    (cell,) = grid(suite(base=base), {})
    monkeypatch.chdir("/")  # a worker's
    assert Path(cell.spec.data.root).samefile(tmp_path / "photos")
    (there,) = grid(suite(base={"data": "folder"}), {"data": {"root": str(tmp_path / "photos")}})
    assert there.name == cell.name


TWO = """
seeds = [0, 1]
[axes]
loss = ["ce", "focal"]
synth = ["none", { name = "duplicate", quota = "x3" }]
size.small = { data.image_size = 32 }
"""


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
        ("metric = 'auroc'", "unknown metric 'auroc'; did you mean 'auc'"),
        ("metric = 'sensitivty/mel'", "did you mean 'sensitivity'"),
        (f"{TWO}[[overlay]]\nloss = 'ce'", r"\[\[overlay\]\] 1 has no table of sections 'set'"),
        (f"{TWO}[[overlay]]\nloss = 'ce'\nset = 'focal'", "no table of sections 'set'"),
        (
            f"{TWO}[[overlay]]\nloss = 'cee'\nset.seed = 1",
            r"\[\[overlay\]\] 1: loss has no value 'cee'; did you mean 'ce'",
        ),
        (
            f"{TWO}[[exclude]]\nloss = ['ce', 'focall']",
            r"\[\[exclude\]\] 1: loss has no value 'focall'; did you mean 'focal'",
        ),
        (f"{TWO}[[exclude]]\nsynth = 'duplicate'", r"did you mean 'duplicate \(quota=x3\)'"),
        (
            f"{TWO}[[exclude]]\nseed = 0\n[[exclude]]\nseed = 7",
            r"\[\[exclude\]\] 2: seed has no value '7'",
        ),
    ],
)
def test_a_faulty_file_is_told_in_one_line(tmp_path, text, said):
    file = tmp_path / "faulty.toml"
    file.write_text(text)
    with pytest.raises(InputError, match=said) as caught:
        read_suite(file)
    assert "\n" not in str(caught.value)
    assert "faulty.toml" in str(caught.value)


def test_conditions_name_values_as_the_axes_have_them(tmp_path):
    file = tmp_path / "sound.toml"
    file.write_text(
        f"{TWO}[[exclude]]\nsize = 'small'\nseed = [1]\n"
        "[[exclude]]\nloss = 'focal'\nsynth = { name = 'duplicate', quota = 'x3' }\n"
    )
    cells = grid(read_suite(file), {})
    left = {(c.axes["loss"], c.axes["synth"], c.axes["seed"]) for c in cells if not c.excluded}
    assert left == {
        ("ce", "none", "0"),
        ("ce", "duplicate (quota=x3)", "0"),
        ("focal", "none", "0"),
    }


def test_every_figure_of_a_record_can_rank(tmp_path):
    file = tmp_path / "sound.toml"
    for metric in sorted(figures_of_a_record()):
        file.write_text(f"metric = '{metric}'")
        assert read_suite(file).metric == metric


@pytest.mark.parametrize("file", SUITES, ids=lambda file: file.stem)
def test_the_suites_of_the_repository_are_sound(file):
    found = read_suite(file)
    assert found.summary
    assert grid(found, {"data": {"root": "somewhere"}})


def test_the_demo_suite_has_the_36_runs_that_it_is_known_for():
    cells = grid(read_suite(FOLDER / "demo.toml"), {})
    assert len(cells) == 36
    assert {cell.spec.data.name for cell in cells} == {"phantom"}


def test_the_synth_suite_has_no_method_twice():
    cells = grid(read_suite(FOLDER / "synth.toml"), {"data": {"root": "somewhere"}})
    assert len(cells) == 10 * 4 * 3
    made = [cell for cell in cells if not cell.excluded]
    # No synthesis with all four losses, and nine synthesizers with the two that count no class.
    assert len(made) == (4 + 9 * 2) * 3
    counting = {c.axes["synth"] for c in made if c.axes["loss"] not in ("ce", "focal")}
    assert counting == {"none"}


def test_every_row_of_paper_a_at_small_size_says_that_another_backbone_stands_in():
    cells = grid(read_suite(FOLDER / "melanet_cpu.toml"), {"data": {"root": "somewhere"}})
    assert {cell.spec.backbone.name for cell in cells} == {"efficientnet_lite0"}
    assert all(cell.axes["method"].startswith("lite0_") for cell in cells)


def test_a_suite_for_a_gpu_can_be_planned_without_one(monkeypatch):
    budget = read_suite(FOLDER / "melanet.toml").budget
    assert budget.gpus == 1
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert default_jobs(budget) == 6
