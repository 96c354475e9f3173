"""A data set that validates on its test images says so in the record, the report and a warning."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from imbalance_derm import Experiment
from imbalance_derm.data.sources.phantom import Phantom
from imbalance_derm.experiment.stages import StageCache
from imbalance_derm.pipeline.learning import make_workbench
from imbalance_derm.pipeline.lesions import load_lesions

from .conftest import TINY

LEAKY = "The test images are the validation images, too."


def rows(folder, split: str) -> list[dict[str, str]]:
    with (folder / "predictions.csv").open() as file:
        return [{**row, "split": ""} for row in csv.DictReader(file) if row["split"] == split]


@pytest.fixture
def leaky(monkeypatch):
    monkeypatch.setattr(Phantom, "leaky", LEAKY)


def test_a_leaky_run_says_so_everywhere(leaky, tmp_path, shared_cache):
    warnings: list[str] = []
    record = Experiment(preset="smoke", settings=TINY).run(
        tmp_path, cache=shared_cache, warn=warnings.append
    )
    folder = tmp_path / record.name
    assert record.data["leaky"] == LEAKY
    assert warnings == [LEAKY]
    page = (folder / "report.html").read_text()
    assert LEAKY in page
    assert page.index(LEAKY) < page.index("Result on the test set")
    assert "the test images had no part in the choice" not in page
    assert rows(folder, "validation") == rows(folder, "test")
    assert record.metrics["validation"]["auc"].value == record.metrics["test"]["auc"].value
    assert sum(record.data["counts"]["train"].values()) == 96 - len(rows(folder, "test"))


def test_an_honest_run_of_the_same_data_says_nothing_and_shares_nothing(tmp_path, shared_cache):
    warnings: list[str] = []
    record = Experiment(preset="smoke", settings=TINY).run(
        tmp_path, cache=shared_cache, warn=warnings.append
    )
    folder = tmp_path / record.name
    assert record.data["leaky"] == ""
    assert warnings == []
    page = (folder / "report.html").read_text()
    assert "Leaky" not in page
    assert "the test images had no part in the choice" in page
    shared = {each["image"] for each in rows(folder, "validation")}
    assert shared.isdisjoint(each["image"] for each in rows(folder, "test"))


def test_a_leaky_test_set_is_still_under_seal_and_never_trains(leaky, tmp_path):
    spec = Experiment(preset="smoke", settings=TINY).spec
    lesions = load_lesions(make_workbench(spec, StageCache(tmp_path)))
    test = lesions.test.open()
    assert np.array_equal(lesions.validation.lesions.image_ids, test.lesions.image_ids)
    assert np.array_equal(lesions.validation.lesions.samples, test.lesions.samples)
    assert set(lesions.train.lesions.image_ids).isdisjoint(test.lesions.image_ids)
    assert len(lesions.train.lesions) + len(test.lesions) == 96
