"""The committed results: readable, free of local paths and pictures, and quoted as they are."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from imbalance_derm.benchmark.leaderboard import leaderboard
from imbalance_derm.benchmark.markdown import to_markdown
from imbalance_derm.experiment.record import find_records
from imbalance_derm.experiment.spec import Spec

RESULTS = Path(__file__).resolve().parents[2] / "benchmarks" / "results"
RECORDS = find_records([RESULTS])


def test_there_are_results_of_both_real_data_sets():
    assert {record.data["name"] for _, record in RECORDS} >= {"isic2016", "ham10000"}


@pytest.mark.parametrize(("folder", "record"), RECORDS, ids=[r.name for _, r in RECORDS])
def test_figures_follow_from_the_committed_predictions(folder, record):
    with (folder / "predictions.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "test"]
    classes = record.data["classes"]
    truth = np.array([classes.index(row["truth"]) for row in rows])
    p = np.array([[float(row[name]) for name in classes] for row in rows])
    if len(classes) == 2:
        auc = roc_auc_score(truth, p[:, 1])
    else:
        auc = np.mean([roc_auc_score(truth == k, p[:, k]) for k in range(len(classes))])
    if record.decision["rule"] == "threshold":
        decided = p[:, 1] >= record.decision["threshold"]
    else:
        decided = p.argmax(axis=1)
    figures = record.metrics["test"]
    assert figures["auc"].value == pytest.approx(auc)
    assert figures["balanced_accuracy"].value == pytest.approx(
        balanced_accuracy_score(truth, decided)
    )


@pytest.mark.parametrize(("folder", "record"), RECORDS, ids=[r.name for _, r in RECORDS])
def test_specification_is_readable_and_the_same_as_in_the_record(folder, record):
    spec = Spec.from_toml((folder / "spec.toml").read_text(encoding="utf-8"))
    # Sections that are younger than a result have their defaults in both.
    assert spec == Spec.model_validate(record.spec)
    assert record.command.startswith(("imbderm run ", "imbderm bench benchmarks/suites/"))


def test_no_picture_and_no_path_of_a_machine_is_published():
    for path in RESULTS.rglob("*"):
        if path.is_file():
            text = path.read_text("utf-8")
            assert path.suffix in {".json", ".toml", ".csv", ".md", ".html"}, path
            assert not re.search(r"[\" ]/(?:home|root|tmp|work|Users)/", text)
            assert "data:image/" not in text, path


def test_the_table_beside_the_results_is_the_leaderboard_of_them():
    # Those that belong to no suite; a suite's folder has a table of its own.
    text = to_markdown(leaderboard([file.parent for file in RESULTS.glob("*/record.json")]))
    assert text.strip() in (RESULTS / "README.md").read_text(encoding="utf-8")
