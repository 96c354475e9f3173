"""Robustness, body sites and the twin of a run, each against what a separate run gives."""

from __future__ import annotations

import numpy as np
import pytest

from imbalance_derm import Experiment
from imbalance_derm.errors import InputError
from imbalance_derm.evaluation.comparison import paired_difference
from imbalance_derm.evaluation.decision import Decision
from imbalance_derm.pipeline.judgement import PREDICTIONS, read_predictions
from imbalance_derm.pipeline.pairing import twin_spec

SETTINGS = ("data.images=160", "train.updates=4", "head.site_weight=0.5", "head.dropout=0.1")


def judged(record, out):
    classes = tuple(record.data["classes"])
    said = read_predictions(out / record.name / PREDICTIONS, classes)["test"]
    return said, Decision(**record.decision)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out, cache = tmp_path_factory.mktemp("runs"), tmp_path_factory.mktemp("cache")
    settings = (*SETTINGS, "evaluation.paired=true", "evaluation.corruptions=true")
    made = Experiment(head="body_site_mtl", preset="smoke", settings=settings)
    return made.run(out, cache=cache), out, cache


def test_the_paired_difference_is_that_of_the_twin_run_alone(run, tmp_path):
    record, out, _ = run
    alone = Experiment(
        head="single_task", preset="smoke",
        settings=("data.images=160", "train.updates=4", "head.dropout=0.1"),
    ).run(tmp_path, cache=tmp_path / "cache")  # fmt: skip
    expected = paired_difference(*judged(record, out), *judged(alone, tmp_path))["auc"]
    found = record.paired["clean"]["figures"]["auc"]["difference"]
    assert record.paired["twin"] == "single_task"
    assert (found["value"], found["low"], found["high"]) == pytest.approx(
        (expected.value, expected.low, expected.high)
    )


def test_clean_figures_under_robustness_are_those_of_the_record(run):
    record = run[0]
    for metric, found in record.robustness.items():
        assert found["clean"]["value"] == pytest.approx(record.metrics["test"][metric].value)
    by_severity = record.robustness["auc"]["by_severity"]
    assert {len(values) for values in by_severity.values()} == {5}
    mean = np.mean([v for values in by_severity.values() for v in values])
    assert record.robustness["auc"]["mean"]["value"] == pytest.approx(mean)
    assert set(record.paired["by_corruption"]) == set(by_severity)


def test_figures_by_site_count_the_test_images_of_known_site(run):
    record = run[0]
    rows = record.sites["by_site"]
    test_images = sum(record.data["counts"]["test"].values())
    assert 0 < sum(row["images"] for row in rows) <= test_images
    assert record.sites["confusion_split"] == "test"
    assert np.sum(record.sites["confusion"]) == sum(row["images"] for row in rows)
    assert record.sites["information"]["bits"]["value"] >= 0


def test_the_report_shows_twin_corruptions_and_sites(run):
    record, out, _ = run
    page = (out / record.name / "report.html").read_text(encoding="utf-8")
    for part in ('id="paired"', 'id="robustness"', 'id="sites"', "JPEG"):
        assert part in page
    assert record.paired["clean"]["sentence"] in page


def test_a_head_without_twin_is_told_before_anything_is_trained():
    with pytest.raises(InputError, match=r"head 'single_task' has no twin"):
        twin_spec(Experiment(preset="smoke").spec)


def test_the_twin_shares_everything_but_what_the_head_adds():
    spec = Experiment(head="body_site_mtl", preset="smoke", settings=SETTINGS).spec
    twin = twin_spec(spec)
    ours, theirs = spec.model_dump(), twin.model_dump()
    assert ours.pop("head")["dropout"] == theirs.pop("head")["dropout"] == 0.1
    assert ours == theirs
