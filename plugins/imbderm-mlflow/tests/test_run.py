# ruff: noqa: D100, D103
from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from imbderm_mlflow import tracker as plugin

from imbalance_derm.errors import RunError
from imbalance_derm.experiment.events import RunFinished
from imbalance_derm.pipeline.experiment import resume


def leaves(tree, path=()):
    """Every value of a nested specification with its path, in one plain recursion."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree, start=1)
    for key, value in items:
        if isinstance(value, (dict, list)) and value:
            yield from leaves(value, (*path, str(key)))
        else:
            yield ".".join((*path, str(key))), value


def artifacts(client, run, below=None):
    found = client.list_artifacts(run.info.run_id, below)
    plain = {each.path for each in found if not each.is_dir}
    return plain.union(*(artifacts(client, run, each.path) for each in found if each.is_dir))


def fetched(client, run, name):
    return Path(client.download_artifacts(run.info.run_id, name)).read_bytes()


def history(client, run, name):
    return [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, name)]


def looks(record):
    """Return what the record says was seen on validation, by update."""
    curve = record.curves["classifier"]
    return [(p["update"], p["validation"]["auc"]) for p in curve if "validation" in p]


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Work in an empty folder, which a run leaves empty."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    yield folder
    assert list(folder.iterdir()) == []


@pytest.mark.slow
def test_a_run_and_what_is_read_back(
    experiment, runs_of, client, cache, tmp_path, elsewhere, request
):
    composed = experiment(synth="duplicate")
    record = composed.run(tmp_path / "runs", cache=cache, warn=pytest.fail, command="a test")
    folder = tmp_path / "runs" / record.name
    (run,) = runs_of()
    assert (run.info.run_name, run.info.status) == (record.name, "FINISHED")

    spec = dict(leaves({key: part for key, part in record.spec.items() if key != "trackers"}))
    assert run.data.params.keys() == spec.keys()
    for name, value in spec.items():
        text = run.data.params[name]
        assert (text if isinstance(value, str) else json.loads(text)) == value

    figures = {}
    for name, figure in record.metrics["test"].items():
        figures |= {name: figure.value, f"{name}.low": figure.low, f"{name}.high": figure.high}
    expected = {f"test/{name}": value for name, value in figures.items() if value is not None}
    logged = {n: value for n, value in run.data.metrics.items() if n.startswith("test/")}
    assert logged == pytest.approx(expected, nan_ok=True)
    assert {"test/auc", "test/auc.low", "test/auc.high"} <= expected.keys()

    assert history(client, run, "validation/auc") == looks(record)
    losses = [(point["update"], point["loss"]) for point in record.curves["classifier"]]
    assert history(client, run, "train/loss") == losses
    spent = [stage.seconds for stage in record.stages if stage.stage == "decode"]
    assert run.data.metrics["seconds/decode"] == pytest.approx(sum(spent))
    assert run.data.metrics["seconds/total"] == record.seconds

    assert run.data.tags["data.fingerprint"] == record.data["fingerprint"]
    assert run.data.tags["data.positive"] == "malignant"
    assert (run.data.tags["seed"], run.data.tags["command"]) == ("0", "a test")
    assert run.data.tags["version.torch"] == record.environment["versions"]["torch"]
    assert run.data.tags["part.synth"].startswith("duplicate (imbalance-derm ")

    names = artifacts(client, run)
    for name in ("report.html", "record.json", "spec.toml", "predictions.csv", "audit.json"):
        assert fetched(client, run, name) == (folder / name).read_bytes()
    weights = (folder / "weights.safetensors").read_bytes()
    assert fetched(client, run, "model/weights.safetensors") == weights
    for name in ("roc-curve-of-the-test-set", "training-curves-of-the-classifier"):
        svg = ElementTree.fromstring(fetched(client, run, f"charts/{name}.svg"))
        assert svg.tag == "{http://www.w3.org/2000/svg}svg"
    made = sorted((folder / "synthetic" / "malignant").glob("*.png"))
    assert len(made) > plugin.SAMPLES
    shown = {f"synthetic/malignant/{path.name}" for path in made[: plugin.SAMPLES]}
    assert {name for name in names if name.startswith("synthetic/")} == shown


def test_curves_of_a_cached_training_and_no_model(experiment, runs_of, client, cache, tmp_path):
    first = experiment(log_model=False).run(tmp_path, cache=cache, warn=pytest.fail)
    again = experiment(log_model=False).run(tmp_path, cache=cache, warn=pytest.fail)
    assert [stage.cached for stage in again.stages if stage.stage == "train"] == [True]
    for run in runs_of():
        assert history(client, run, "validation/auc") == looks(first)
        names = artifacts(client, run)
        assert "report.html" in names
        assert not [name for name in names if name.startswith(("model", "synthetic"))]
    assert len(runs_of()) == 2


def test_what_must_be_said_of_a_run_is_a_tag(experiment, runs_of, store, cache, tmp_path, request):
    record = experiment(log_model=False).run(tmp_path / "a", cache=cache, warn=pytest.fail)
    (run,) = runs_of()
    assert run.data.tags["notice"] == record.data["notice"] != ""
    assert "leaky" not in run.data.tags  # there is nothing to be said
    # Phantoms do not leak: the same run as one of a leaky data set.
    leaky = replace(record, data={**record.data, "leaky": "Tested on validation."})
    told = plugin.MlflowTracker(tmp_path / "b", tracking_uri=store, experiment=request.node.name)
    told.run_finished(RunFinished(leaky, tmp_path / "b"))
    assert runs_of()[-1].data.tags["leaky"] == "Tested on validation."


def test_a_failed_run_is_marked_and_goes_on_when_it_is_resumed(
    experiment, runs_of, client, cache, tmp_path, monkeypatch
):
    seen = []

    def fail(*given):
        seen.append(runs_of()[0].info.status)
        raise RunError("the disk is full")

    composed = experiment("seed=1")
    with monkeypatch.context() as patched:
        patched.setattr("imbalance_derm.pipeline.run.judge", fail)
        with pytest.raises(RunError) as failed:
            composed.run(tmp_path, cache=cache, warn=pytest.fail)
    del failed  # its traceback holds the tracker
    (run,) = runs_of()
    assert (seen, run.info.status) == (["RUNNING"], "FAILED")
    assert run.data.params["seed"] == "1"
    (folder,) = tmp_path.iterdir()
    record = resume(folder, cache=cache, warn=pytest.fail)
    (again,) = runs_of()
    assert (again.info.run_id, again.info.status) == (run.info.run_id, "FINISHED")
    assert history(client, again, "validation/auc") == looks(record)
    assert again.data.metrics["test/auc"] == record.metrics["test"]["auc"].value


def test_a_run_that_mlflow_has_no_more_is_begun_anew(experiment, runs_of, client, cache, tmp_path):
    record = experiment().run(tmp_path, cache=cache, warn=pytest.fail)
    folder = tmp_path / record.name
    (run,) = runs_of()
    client.delete_run(run.info.run_id)
    for known in (run.info.run_id, "0" * 32):
        (folder / plugin.RUN_FILE).write_text(known)
        (folder / "record.json").unlink()
        resume(folder, cache=cache, warn=pytest.fail)
        assert runs_of()[-1].info.status == "FINISHED"
        assert run.info.run_id not in {found.info.run_id for found in runs_of()}
    assert len(runs_of()) == 2


def test_logging_that_fails_fails_neither_run(experiment, runs_of, cache, tmp_path, monkeypatch):
    def full(*given):
        raise OSError("no space left")

    monkeypatch.setattr(plugin.MlflowTracker, "_log_files", full)
    warnings = []
    record = experiment().run(tmp_path, cache=cache, warn=warnings.append)
    (run,) = runs_of()
    assert run.info.status == "FINISHED"
    assert run.data.metrics["test/auc"] == record.metrics["test"]["auc"].value
    assert warnings == ["tracker mlflow failed and is left out: OSError: no space left"]


def test_the_twin_of_a_paired_run_is_not_taken_for_the_run(experiment, runs_of, client, tmp_path):
    composed = experiment("evaluation.paired=true", head="body_site_mtl")
    told = []
    record = composed.run(
        tmp_path / "runs", cache=tmp_path / "cache", warn=pytest.fail, listen=told.append
    )
    looked = [event for event in told if type(event).__name__ == "EpochFinished"]
    assert len(looked) == 2 * len(looks(record))
    (run,) = runs_of()
    assert history(client, run, "validation/auc") == looks(record)
