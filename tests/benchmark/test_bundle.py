from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tomli_w
from click.testing import CliRunner
from sklearn.metrics import roc_auc_score

from imbalance_derm.benchmark.bundle import sha256, write_bundle
from imbalance_derm.benchmark.verify import verify_bundle
from imbalance_derm.cli.leaderboard import leaderboard
from imbalance_derm.cli.verify import verify
from imbalance_derm.errors import InputError
from imbalance_derm.evaluation.decision import choose_decision
from imbalance_derm.evaluation.evaluate import evaluate
from imbalance_derm.evaluation.predictions import Predictions
from imbalance_derm.experiment.record import Record
from imbalance_derm.pipeline.judgement import read_predictions, write_predictions

CLASSES = ("benign", "malignant")
COUNTS = {"validation": (30, 12), "test": (40, 15)}

Edit = Callable[[bytes], bytes]


def said(split: str, seed: int) -> Predictions:
    rng = np.random.default_rng([seed, len(split)])
    labels = np.repeat([0, 1], COUNTS[split])
    p = 1 / (1 + np.exp(-rng.normal(2.0 * labels - 1, 1.5)))
    ids = np.array([f"{split}-{i}" for i in range(len(labels))])
    return Predictions(ids, ids, labels, np.stack([1 - p, p], axis=1), CLASSES)


@pytest.fixture
def honest(tmp_path, make_record) -> Path:
    """Two runs on one test set, judged as the pipeline judges."""
    for seed in range(2):
        folder = tmp_path / "runs" / f"run-{seed}"
        folder.mkdir(parents=True)
        write_predictions(folder / "predictions.csv", {s: said(s, seed) for s in COUNTS})
        predictions = read_predictions(folder / "predictions.csv", CLASSES)
        decision = choose_decision(predictions["validation"])
        found = {split: evaluate(p, decision, 200, seed) for split, p in predictions.items()}
        counts = {s: dict(zip(CLASSES, pair, strict=True)) for s, pair in COUNTS.items()}
        record = make_record(
            folder.name,
            data={
                "counts": {**counts, "train": {"benign": 552, "malignant": 133}},
                "test_set": "feedbeef",
            },
            seed=seed,
        )
        record = replace(
            record,
            spec={**record.spec, "evaluation": {"resamples": 200}},
            metrics={split: each.figures for split, each in found.items()},
            confusion={split: each.confusion for split, each in found.items()},
            decision={
                "rule": decision.rule,
                "threshold": decision.threshold,
                "criterion": decision.criterion,
                "chosen_on": decision.chosen_on,
            },
        )
        (folder / "record.json").write_text(record.to_json(), encoding="utf-8")
        (folder / "spec.toml").write_text(tomli_w.dumps(record.spec), encoding="utf-8")
    return tmp_path / "runs"


def differences(file: Path) -> dict[str, str]:
    return {f.row: "; ".join(f.differences) for f in verify_bundle(file) if f.differences}


def tampered(runs: Path, name: str, edit: Edit, sums_too: bool = False) -> dict[str, str]:
    """Differences of a bundle in which one file was changed, and its checksum if so wished."""
    file = runs.parent / "bundle.zip"
    write_bundle([runs], file)
    with zipfile.ZipFile(file) as source:
        files = {entry: source.read(entry) for entry in source.namelist()}
    changed = edit(files[name])
    assert changed != files[name]
    if sums_too:
        sums = files["SHA256SUMS"].decode().replace(sha256(files[name]), sha256(changed))
        files["SHA256SUMS"] = sums.encode()
    files[name] = changed
    with zipfile.ZipFile(file, "w") as target:
        for entry, content in files.items():
            target.writestr(entry, content)
    return differences(file)


def edited_rows(change: Callable[[list[list[str]]], None]) -> Edit:
    def edit(content: bytes) -> bytes:
        rows = list(csv.reader(io.StringIO(content.decode())))
        change(rows)
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        return text.getvalue().encode()

    return edit


def edited_record(change: Callable[[dict], None]) -> Edit:
    def edit(content: bytes) -> bytes:
        record = json.loads(content)
        change(record)
        return json.dumps(record, indent=2).encode()

    return edit


def of_split(rows: list[list[str]], split: str, truth: str) -> list[list[str]]:
    return [row for row in rows if row[0] == split and row[3] == truth]


def test_an_honest_bundle_agrees(honest, tmp_path):
    assert write_bundle([honest], tmp_path / "b.zip") == 2
    findings = list(verify_bundle(tmp_path / "b.zip"))
    assert [(f.row, f.differences) for f in findings] == [
        ("run-0", ()),
        ("run-1", ()),
        ("leaderboard.json", ()),
    ]
    assert not any(f.unchecked for f in findings)
    record = Record.from_json((honest / "run-0" / "record.json").read_text("utf-8"))
    assert findings[0].figures == sum(map(len, record.metrics.values())) > 20
    truth = said("test", 0)
    auc = roc_auc_score(truth.labels, truth.probabilities[:, 1])
    assert record.metrics["test"]["auc"].value == pytest.approx(auc)


def test_a_changed_prediction_is_caught_by_its_figures(honest):
    def change(rows):
        row = min(of_split(rows, "test", "malignant"), key=lambda row: float(row[5]))
        row[4:] = ["0.001", "0.999"]

    found = tampered(honest, "run-0/predictions.csv", edited_rows(change), sums_too=True)
    assert list(found) == ["run-0", "leaderboard.json"]
    assert "test auc is" in found["run-0"]
    assert "checksum" not in found["run-0"]


def test_a_changed_validation_prediction_changes_the_decision(honest):
    def change(rows):
        for row in of_split(rows, "validation", "malignant"):
            row[4:] = ["0.9", "0.1"]

    found = tampered(honest, "run-0/predictions.csv", edited_rows(change), sums_too=True)
    assert "decision threshold is" in found["run-0"]


def test_a_prediction_that_moves_no_figure_is_caught_by_its_checksum(honest):
    def change(rows):
        row = of_split(rows, "test", "benign")[0]
        row[4] = row[4] + "0"  # the same number, written otherwise

    found = tampered(honest, "run-0/predictions.csv", edited_rows(change))
    assert found == {"run-0": "predictions.csv is not the file that the checksum was made of"}


@pytest.mark.parametrize("end", ["value", "low", "high"])
def test_a_changed_metric_is_caught(honest, end):
    def change(record):
        record["metrics"]["test"]["sensitivity"][end] += 1e-6

    found = tampered(honest, "run-1/record.json", edited_record(change), sums_too=True)
    assert "run-0" not in found
    assert "sensitivity" in found["run-1"]
    assert found["run-1"].count("recomputed") == 1


def test_a_changed_confusion_matrix_threshold_or_seed_is_caught(honest):
    def matrix(record):
        record["confusion"]["test"][0] = record["confusion"]["test"][0][::-1]

    def threshold(record):
        record["decision"]["threshold"] += 1e-6

    def resamples(record):
        record["spec"]["evaluation"]["resamples"] = 300

    for change, word in (
        (matrix, "confusion matrix"),
        (threshold, "decision threshold"),
        (resamples, "spec.toml is not the specification"),
    ):
        found = tampered(honest, "run-0/record.json", edited_record(change), sums_too=True)
        assert word in found["run-0"]


def test_a_swapped_label_is_caught(honest):
    def change(rows):
        first, second = of_split(rows, "test", "benign")[0], of_split(rows, "test", "malignant")[0]
        first[3], second[3] = second[3], first[3]

    found = tampered(honest, "run-1/predictions.csv", edited_rows(change), sums_too=True)
    assert "recomputed" in found["run-1"]
    assert "labelled otherwise in run-0 on the same test set" in found["run-1"]


def test_a_swapped_label_is_caught_where_no_figure_moves(honest):
    """Two images exchange label and prediction: only the other row on the test set knows."""

    def change(rows):
        first, second = of_split(rows, "test", "benign")[0], of_split(rows, "test", "malignant")[0]
        first[1], second[1] = second[1], first[1]
        first[2], second[2] = second[2], first[2]

    found = tampered(honest, "run-1/predictions.csv", edited_rows(change), sums_too=True)
    assert list(found) == ["run-1", "leaderboard.json"]
    assert "2 test images" in found["run-1"]


def test_a_label_changed_alone_disagrees_with_the_counts(honest):
    def change(rows):
        of_split(rows, "validation", "benign")[0][3] = "malignant"

    found = tampered(honest, "run-0/predictions.csv", edited_rows(change), sums_too=True)
    assert "validation has 29 images of benign, recorded 30" in found["run-0"]


@pytest.mark.parametrize(
    "edit",
    [
        lambda content: b"",
        lambda content: content.replace(b"malignant", b"melanoma"),
        lambda content: content.replace(b",0.", b",x0.", 1),
        lambda content: content[: len(content) // 2],
    ],
)
def test_broken_predictions_are_differences_and_not_crashes(honest, edit):
    found = tampered(honest, "run-0/predictions.csv", edit, sums_too=True)
    assert "\n" not in found["run-0"]


def test_missing_added_and_unsummed_files_are_named(honest, tmp_path):
    file = tmp_path / "b.zip"
    write_bundle([honest], file)
    with zipfile.ZipFile(file) as source:
        files = {name: source.read(name) for name in source.namelist()}
    del files["run-0/spec.toml"], files["SHA256SUMS"]
    files |= {"run-1/extra.txt": b"", "note.txt": b""}
    with zipfile.ZipFile(file, "w") as target:
        for name, content in files.items():
            target.writestr(name, content)
    found = differences(file)
    assert "spec.toml is missing" in found["run-0"]
    assert "extra.txt does not belong here" in found["run-1"]
    assert "no checksums" in found["SHA256SUMS"]
    assert "note.txt" in found["SHA256SUMS"]


def test_the_same_runs_give_the_same_bytes_wherever_they_lie(honest, tmp_path):
    write_bundle([honest], tmp_path / "a.zip")
    moved = tmp_path / "elsewhere"
    honest.rename(moved)
    write_bundle([moved / "run-1", moved, moved / "run-0"], tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_runs_of_one_name_are_kept_apart(honest, tmp_path):
    (honest / "run-1").rename(tmp_path / "run-0")
    assert write_bundle([honest, tmp_path / "run-0"], tmp_path / "b.zip") == 2
    *findings, board = verify_bundle(tmp_path / "b.zip")
    assert not board.differences
    assert len({f.row for f in findings}) == 2
    assert all(f.row.startswith("run-0-") and not f.differences for f in findings)


def test_a_run_without_predictions_makes_no_bundle(honest, tmp_path):
    (honest / "run-0" / "predictions.csv").unlink()
    with pytest.raises(InputError, match=r"run-0 has no predictions\.csv"):
        write_bundle([honest], tmp_path / "b.zip")
    assert not (tmp_path / "b.zip").exists()


def test_what_is_no_zip_is_an_input_error(tmp_path):
    (tmp_path / "b.zip").write_text("no zip")
    for file in (tmp_path / "b.zip", tmp_path / "gone.zip"):
        with pytest.raises(InputError):
            list(verify_bundle(file))


def test_the_commands_say_a_line_a_row_and_exit_1_on_a_difference(honest, tmp_path):
    file = tmp_path / "bundle.zip"
    runner = CliRunner()
    made = runner.invoke(leaderboard, [str(honest), "--bundle", str(file)])
    assert made.exit_code == 0
    assert made.output.startswith("2 runs in ")
    good = runner.invoke(verify, [str(file)])
    assert good.exit_code == 0
    assert [line.split()[:2] for line in good.output.splitlines()] == [
        ["agrees", "run-0:"],
        ["agrees", "run-1:"],
        ["agrees", "leaderboard.json:"],
    ]

    def change(record):
        for figure in record["metrics"]["test"].values():
            figure["value"] = 0.5

    tampered(honest, "run-0/record.json", edited_record(change))
    bad = runner.invoke(verify, [str(file)])
    assert bad.exit_code == 1
    assert [line.split()[0] for line in bad.output.splitlines()] == ["DIFFERS", "agrees", "DIFFERS"]
    assert "see --all" in bad.output
    assert len(runner.invoke(verify, [str(file), "--all"]).output) > len(bad.output)
    mixed = runner.invoke(leaderboard, [str(honest), "--bundle", str(file), "--format", "md"])
    assert mixed.exit_code == 2
