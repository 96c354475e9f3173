"""The bundle of a suite: it is ranked anew, and what was changed or left out is told."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import tomli_w
from click.testing import CliRunner

from imbalance_derm.benchmark.bundle import sha256, write_bundle
from imbalance_derm.benchmark.json_format import to_json
from imbalance_derm.benchmark.leaderboard import leaderboard
from imbalance_derm.benchmark.verify import verify_bundle
from imbalance_derm.cli.verify import verify
from imbalance_derm.evaluation.decision import Decision
from imbalance_derm.evaluation.predictions import Predictions
from imbalance_derm.evaluation.robustness import robustness
from imbalance_derm.pipeline.judgement import read_predictions
from imbalance_derm.report.summary import BINARY

AXES = {"synth": ["none", "cyclegan"], "loss": ["ce", "focal"]}
LDAM = {"synth": "none", "loss": "ldam"}
RUN = "suite/runs/none-ce-s0"
BOARD = "leaderboard.json"

Files = dict[str, bytes]
Change = Callable[[Files], None]


@pytest.fixture
def folder(suite) -> Path:
    """A suite of four methods and two seeds, and one that was refused."""
    suite.merits = {"cyclegan": 1.5, "focal": 0.2}
    suite.grid(AXES, (0, 1))
    for file in (suite.folder / "runs").glob("*/record.json"):
        record = json.loads(file.read_text())
        record["spec"]["evaluation"] = {"resamples": 100}
        write_run(file, record)
    suite.fail(LDAM, 0, "refused", "", "ldam takes counts of every class")
    return suite.close("balanced_accuracy")


@pytest.fixture
def bundle(folder, tmp_path) -> Path:
    write_bundle([folder], tmp_path / "b.zip")
    return tmp_path / "b.zip"


def write_run(file: Path, record: dict) -> None:
    file.write_text(json.dumps(record), encoding="utf-8")
    (file.parent / "spec.toml").write_text(tomli_w.dumps(record["spec"]), encoding="utf-8")


def changed(bundle: Path, change: Change) -> dict[str, str]:
    """What is told of a copy, ``changed.zip``, with all checksums made anew."""
    with zipfile.ZipFile(bundle) as source:
        files = {name: source.read(name) for name in source.namelist()}
    before = dict(files)
    change(files)
    assert files != before
    del files["SHA256SUMS"]
    sums = "".join(f"{sha256(content)}  {name}\n" for name, content in files.items())
    copy = bundle.with_name("changed.zip")
    with zipfile.ZipFile(copy, "w") as target:
        for name, content in {**files, "SHA256SUMS": sums.encode()}.items():
            target.writestr(name, content)
    return {f.row: "; ".join(f.differences) for f in verify_bundle(copy) if f.differences}


def edited(name: str, edit: Callable[[object], object]) -> Change:
    def change(files: Files) -> None:
        tree = json.loads(files[name])
        edit(tree)
        files[name] = json.dumps(tree).encode()

    return change


def in_board(*keys: str | int, by: float = 1e-4) -> Change:
    """Move one figure of the leaderboard."""

    def edit(boards: list) -> None:
        *path, last = keys
        (at,) = boards
        for key in path:
            at = at[key]
        at[last] += by

    return edited(BOARD, edit)


def test_the_unpacked_bundle_has_the_same_leaderboard(folder, bundle, tmp_path):
    with zipfile.ZipFile(bundle) as source:
        source.extractall(tmp_path / "out")
    (board,) = leaderboard([tmp_path / "out"])
    own = to_json(leaderboard([folder])).replace(f"{tmp_path.as_posix()}/", "")
    unpacked = to_json([board]).replace(f"{tmp_path.as_posix()}/out/", "")
    assert unpacked == own == (tmp_path / "out" / BOARD).read_text("utf-8")
    assert board.metric == "balanced_accuracy"
    assert {effect.axis for effect in board.effects} == {"synth", "loss"}
    assert [cell.status for cell in board.failures] == ["refused"]


def test_an_honest_suite_agrees_and_names_what_is_as_told(bundle):
    findings = {f.row: f for f in verify_bundle(bundle)}
    assert not any(f.differences for f in findings.values())
    assert len(findings) == 8 + 1 + 1
    assert findings["suite/runs/none-ldam-s0"].unchecked == ("why the run failed (failure.json)",)
    assert findings[BOARD].figures > 100
    said = CliRunner().invoke(verify, [str(bundle)])
    assert said.exit_code == 0
    assert [line.split()[0] for line in said.output.splitlines()].count("unchecked") == 1
    quiet = CliRunner().invoke(verify, [str(bundle), "--quiet"])
    assert [line.split()[0] for line in quiet.output.splitlines()] == ["unchecked"]


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        (("rows", 0, "metrics", "auc", "value"), "metrics / auc / value is"),
        (("rows", 1, "metrics", "balanced_accuracy", "low"), "balanced_accuracy / low is"),
        (("rows", 1, "against_top", "p"), "against_top / p is"),
        (("rows", 2, "against_top", "p_holm"), "against_top / p_holm is"),
        (("rows", 2, "against_top", "by_seed", 1, "delong", "p"), "by_seed / 1 / delong / p is"),
        (("rows", 3, "runs", 0, "metrics", "auc", "high"), "metrics / auc / high is"),
        (("effects", 0, "difference", "value"), "effects / synth, cyclegan, none / difference"),
        (("effects", 1, "p_holm"), "effects / loss, focal, ce / p_holm is"),
    ],
)
def test_a_changed_figure_of_the_leaderboard_is_told_with_its_place(bundle, keys, told):
    found = changed(bundle, in_board(*keys))
    assert list(found) == [BOARD]
    assert told in found[BOARD]
    assert found[BOARD].startswith("phantom / ")
    assert found[BOARD].count("recomputed") == 1


def test_what_the_last_digits_of_a_sum_move_is_no_difference(bundle):
    assert changed(bundle, in_board("rows", 0, "metrics", "auc", "value", by=1e-12)) == {}


def test_another_choice_best_set_or_sentence_is_told(bundle):
    def chosen(boards):
        for row in boards[0]["rows"]:
            row["chosen"] = not row["chosen"]

    def best(boards):
        boards[0]["rows"][-1]["best"] ^= True

    def sentence(boards):
        boards[0]["findings"][0] = boards[0]["findings"][0].replace("0.", "9.", 1)

    for edit, told in (
        (chosen, "chosen is"),
        (best, "best is"),
        (sentence, 'findings does not follow: "Chosen on validation'),
    ):
        found = changed(bundle, edited(BOARD, edit))
        assert list(found) == [BOARD]
        assert told in found[BOARD]


def test_a_row_or_a_failure_that_was_left_out_of_the_leaderboard_is_told(bundle):
    found = changed(bundle, edited(BOARD, lambda boards: boards[0]["failures"].clear()))
    assert found == {BOARD: "phantom / failures / none + ldam, [0] is missing"}
    found = changed(bundle, edited(BOARD, lambda boards: boards[0]["rows"].pop()))
    assert "none + ce, measured here is missing" in found[BOARD]
    found = changed(bundle, edited(BOARD, lambda boards: boards.clear()))
    assert found == {BOARD: "the list of rankings / phantom is missing"}


def test_a_failure_that_was_taken_out_is_told(bundle):
    found = changed(bundle, lambda files: files.pop("suite/runs/none-ldam-s0/failure.json"))
    assert found == {BOARD: "phantom / failures / none + ldam, [0] does not follow"}


def test_a_changed_axis_of_the_suite_is_told(bundle):
    def edit(suite):
        suite["axes"].remove("loss")

    found = changed(bundle, edited("suite/suite.json", edit))
    assert "phantom / effects / loss, focal, ce does not follow" in found[BOARD]


def test_a_run_that_was_left_out_everywhere_is_still_missed_by_the_suite(bundle, tmp_path):
    def drop(files: Files) -> None:
        for name in [name for name in files if name.startswith(f"{RUN}/")]:
            del files[name]
        (tmp_path / "rest").mkdir()
        with zipfile.ZipFile(bundle) as source:
            source.extractall(tmp_path / "rest", [n for n in files if n != BOARD])
        text = to_json(leaderboard([tmp_path / "rest"]))
        files[BOARD] = text.replace(f"{(tmp_path / 'rest').as_posix()}/", "").encode()

    assert changed(bundle, drop) == {}
    (note,) = (f.unchecked for f in verify_bundle(tmp_path / "changed.zip") if f.row == "suite")
    assert note == ("runs of the suite that are not here: none-ce-s0",)


def test_a_removed_metric_is_told(bundle):
    def edit(record):
        del record["metrics"]["test"]["sensitivity"]

    found = changed(bundle, edited(f"{RUN}/record.json", edit))
    assert "test sensitivity is missing, recomputed 0." in found[RUN]


def test_a_figure_that_was_made_up_is_told(bundle):
    def edit(record):
        record["metrics"]["test"]["luck"] = {"value": 1.0, "low": None, "high": None}

    found = changed(bundle, edited(f"{RUN}/record.json", edit))
    assert "test luck does not follow from predictions" in found[RUN]


@pytest.mark.parametrize("split", ["validation", "test"])
@pytest.mark.parametrize("with_predictions", [False, True])
def test_a_removed_split_is_told(bundle, split, with_predictions):
    def change(files: Files) -> None:
        def edit(record):
            del record["metrics"][split], record["confusion"][split]

        edited(f"{RUN}/record.json", edit)(files)
        if with_predictions:
            name = f"{RUN}/predictions.csv"
            rows = [r for r in csv.reader(io.StringIO(files[name].decode())) if r[0] != split]
            text = io.StringIO()
            csv.writer(text, lineterminator="\n").writerows(rows)
            files[name] = text.getvalue().encode()

    found = changed(bundle, change)
    told = f"{split} has no predictions" if with_predictions else f"{split} auc is missing"
    assert told in found[RUN]


def with_more(file: Path, corrupted: bool = True) -> None:
    """Judge corrupted images, pair and tell sites, as a run that is asked to does."""
    record = json.loads(file.read_text())
    record["spec"]["evaluation"] |= {"corruptions": corrupted, "paired": True}
    test = read_predictions(file.parent / "predictions.csv", ("benign", "malignant"))["test"]
    p = test.probabilities**0.5 / (test.probabilities**0.5).sum(axis=1, keepdims=True)
    ids = test.image_ids, test.lesion_ids, test.labels
    blurred = Predictions(*ids, p + np.array([0.1, -0.1]) * (p[:, 1:] > 0.5), test.classes)
    found = robustness(test, {"blur": [blurred]}, Decision(**record["decision"]), BINARY, 100)
    as_json = {name: asdict(each) for name, each in found.items()}
    record["robustness"] = json.loads(json.dumps(as_json).replace("NaN", "null"))
    record["paired"] = {"twin": "single_task", "clean": {}, "corrupted": {}}
    record["sites"] = {"names": ["back", "face"], "information": {"bits": 0.1}, "learned": {}}
    write_run(file, record)


def test_figures_on_clean_images_are_recomputed_and_others_are_named(folder, tmp_path):
    with_more(folder / "runs" / "none-ce-s0" / "record.json")
    file = tmp_path / "b.zip"
    write_bundle([folder], file)
    findings = {f.row: f for f in verify_bundle(file)}
    assert not findings[RUN].differences
    assert findings[RUN].figures == findings["suite/runs/none-ce-s1"].figures + len(BINARY)
    assert findings[RUN].unchecked == (
        "robustness/by_corruption",
        "robustness/by_severity",
        "robustness/mean",
        "paired/clean",
        "paired/corrupted",
        "sites/information",
    )
    said = CliRunner().invoke(verify, [str(file), "--quiet"]).output
    assert "not checked: robustness/by_corruption" in said

    def clean(record):
        record["robustness"]["auc"]["clean"]["low"] -= 1e-4

    found = changed(file, edited(f"{RUN}/record.json", clean))
    assert "robustness on clean images: auc (low end) is" in found[RUN]

    def part(record):
        del record["robustness"]["auc"]
        record["paired"] = {}

    found = changed(file, edited(f"{RUN}/record.json", part))
    assert "robustness on clean images: auc is missing" in found[RUN]
    assert "paired is missing: the specification asks for it" in found[RUN]


def test_of_a_bundle_without_leaderboard_it_is_said_what_was_not_checked(bundle, tmp_path):
    assert changed(bundle, lambda files: files.pop(BOARD)) == {}
    said = CliRunner().invoke(verify, [str(tmp_path / "changed.zip")])
    assert said.exit_code == 0
    (line,) = (line for line in said.output.splitlines() if BOARD in line)
    assert line.startswith("unchecked  leaderboard.json: means and intervals over seeds, p-values")


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b"7", b"[NaN]", b'[{"title": 1}]'])
def test_a_broken_leaderboard_is_a_difference_and_not_a_crash(bundle, content):
    found = changed(bundle, lambda files: files.update({BOARD: content}))
    assert list(found) == [BOARD]
    assert "\n" not in found[BOARD]


def test_a_broken_suite_or_failure_is_a_difference_without_a_path_of_this_machine(bundle):
    for name in ("suite/suite.json", "suite/runs/none-ldam-s0/failure.json"):
        found = changed(bundle, lambda files, name=name: files.update({name: b"{"}))
        assert found[BOARD].startswith(f"the runs cannot be ranked: {name} is not")


def test_two_suites_of_one_name_are_kept_apart(folder, tmp_path):
    other = tmp_path / "other" / "suite"
    other.parent.mkdir()
    write_bundle([folder], tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as source:
        source.extractall(other.parent)
    (other / "runs" / "none-ldam-s0" / "failure.json").unlink()
    assert write_bundle([folder, other], tmp_path / "b.zip") == 16
    findings = list(verify_bundle(tmp_path / "b.zip"))
    assert not any(f.differences for f in findings)
    assert len({f.row.partition("/")[0] for f in findings if f.row.startswith("suite-")}) == 2
