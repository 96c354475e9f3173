"""A run end to end: files, record, cache, equal repetition, every part by name."""

from __future__ import annotations

import csv
import json
from collections import Counter

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file
from sklearn.metrics import confusion_matrix, roc_auc_score

from imbalance_derm import Experiment
from imbalance_derm.experiment.record import Record
from imbalance_derm.experiment.spec import Spec
from imbalance_derm.registry.manager import installed

from .conftest import TINY


def experiment(*settings: str, **parts) -> Experiment:
    return Experiment(preset="smoke", settings=(*TINY, *settings), **parts)


@pytest.fixture(scope="module")
def finished(tmp_path_factory, shared_cache):
    out = tmp_path_factory.mktemp("runs")
    record = experiment(synth="cyclegan", loss="focal", trackers=("jsonl",)).run(
        out, cache=shared_cache
    )
    return record, out / record.name


def test_the_run_folder_is_complete_and_consistent(finished):
    record, folder = finished
    assert {p.name for p in folder.iterdir()} == {
        "spec.toml", "record.json", "predictions.csv", "weights.safetensors", "report.html",
        "synthetic", "audit.json", "events.jsonl",
    }  # fmt: skip
    assert (folder / "record.json").read_text() == record.to_json()
    assert Record.from_json(record.to_json()).to_json() == record.to_json()
    assert Spec.from_toml((folder / "spec.toml").read_text()).model_dump() == record.spec
    events = [json.loads(line)["event"] for line in (folder / "events.jsonl").open()]
    assert events[0] == "run_started"
    assert events[-1] == "run_finished"
    assert Counter(events)["epoch_finished"] == 2
    assert len(load_file(folder / "weights.safetensors")) > 100


def test_figures_can_be_recomputed_from_the_predictions(finished):
    record, folder = finished
    rows = [r for r in csv.DictReader((folder / "predictions.csv").open()) if r["split"] == "test"]
    truth = np.array([r["truth"] == "malignant" for r in rows])
    score = np.array([float(r["malignant"]) for r in rows])
    auc = record.metrics["test"]["auc"]
    assert auc.value == pytest.approx(roc_auc_score(truth, score))
    assert auc.low <= auc.value <= auc.high
    decided = score >= record.decision["threshold"]
    assert record.confusion["test"] == confusion_matrix(truth, decided).tolist()
    assert record.decision["chosen_on"] == "validation"
    assert sum(record.data["counts"]["test"].values()) == len(rows)


def test_the_manifest_describes_every_synthetic_image(finished):
    record, folder = finished
    rows = list(csv.DictReader((folder / "synthetic" / "manifest.csv").open()))
    assert len(rows) == sum(record.data["fed"]["synthetic"].values()) > 0
    assert Counter(r["class"] for r in rows) == {"malignant": len(rows)}
    for row in rows:
        assert row["method"] == "cyclegan"
        assert row["sources"]
        assert row["model"]
        with Image.open(folder / "synthetic" / row["file"]) as image:
            assert image.size == (32, 32)


def test_another_loss_trains_no_generator_again(tmp_path):
    first = experiment(synth="cyclegan", loss="ce").run(tmp_path / "a", cache=tmp_path / "c")
    second = experiment(synth="cyclegan", loss="focal").run(tmp_path / "b", cache=tmp_path / "c")
    assert {s.stage: s.cached for s in first.stages} == dict.fromkeys(
        ("decode", "fit", "sample", "train", "embed", "audit", "evaluate"), False
    )
    did = {s.stage: (s.cached, s.steps) for s in second.stages}
    assert did["fit"] == (True, 0)
    assert did["sample"] == (True, 0)
    assert did["train"] == (False, 4)
    assert next(s.steps for s in first.stages if s.stage == "fit") > 0


def test_the_same_run_from_a_cold_cache_gives_the_same_figures(tmp_path):
    runs = [
        experiment(synth="augment", head="body_site_mtl", sampler="class_balanced", seed=5).run(
            tmp_path / name, cache=tmp_path / f"cache-{name}"
        )
        for name in ("a", "b")
    ]
    assert runs[0].metrics == runs[1].metrics
    assert runs[0].data["fingerprint"] == runs[1].data["fingerprint"]
    assert (tmp_path / "a" / runs[0].name / "predictions.csv").read_bytes() == (
        tmp_path / "b" / runs[1].name / "predictions.csv"
    ).read_bytes()


@pytest.mark.parametrize("synth", installed().names("synthesizer"))
def test_every_synthesizer_runs_with_another_loss_and_head(synth, tmp_path, shared_cache):
    record = experiment(synth=synth, loss="logit_adjustment").run(tmp_path, cache=shared_cache)
    assert 0 <= record.metrics["test"]["auc"].value <= 1
    assert record.data["updates"] == 4


def test_embedding_smote_freezes_the_backbone_and_says_so(tmp_path, shared_cache):
    record = experiment(synth="smote").run(tmp_path, cache=shared_cache)
    assert {s.stage for s in record.stages} >= {"embed", "fit", "sample", "train"}
    assert record.spec["backbone"]["frozen"] is True
    fed = record.data["fed"]
    assert fed["real"]["malignant"] + fed["synthetic"]["malignant"] == fed["real"]["benign"]


def test_seven_classes(tmp_path, shared_cache):
    record = experiment("data.classes=7", "data.images=420", loss="weighted_ce").run(
        tmp_path, cache=shared_cache
    )
    assert len(record.confusion["test"]) == 7
    assert record.decision["rule"] == "argmax"
    assert f"sensitivity/{record.data['classes'][0]}" in record.metrics["test"]


def test_a_tracker_that_raises_never_fails_the_run(tmp_path, shared_cache, monkeypatch):
    from imbalance_derm.tracking.jsonl import JsonLines

    def broken(self, event):
        raise RuntimeError("no disk")

    monkeypatch.setattr(JsonLines, "stage_finished", broken)
    warnings = []
    experiment(trackers=("jsonl",)).run(tmp_path, cache=shared_cache, warn=warnings.append)
    assert warnings == ["tracker jsonl failed and is left out: RuntimeError: no disk"]
