# ruff: noqa: D100, D103
from __future__ import annotations

import string
import time
from base64 import b64encode

import pytest
from imbderm_mlflow.charts import charts
from imbderm_mlflow.names import LONGEST_PARAMETER, flatten, legal
from imbderm_mlflow.tracker import MlflowTracker
from mlflow.entities import Metric
from mlflow.exceptions import MlflowException

from imbalance_derm.experiment.events import RunStarted


@pytest.fixture
def tracker(store, tmp_path):
    return MlflowTracker(tmp_path, tracking_uri=store, experiment="names")


def test_mlflow_takes_every_legal_name_and_refuses_others(client, tracker):
    run = client.create_run(tracker.experiment_id).info.run_id
    letters = [f"test/f1/{letter}æ" for letter in string.printable if letter not in "./"]
    refused = []
    for name in [*letters, f"test/{'x' * 300}"]:
        try:
            client.log_batch(run, [Metric(name, 0.5, int(time.time()), 0)])
        except MlflowException:
            refused.append(name)
            assert legal(name) != name
        client.log_batch(run, [Metric(legal(name), 0.5, int(time.time()), 0)])
    assert len(refused) > 30
    assert {name for name in letters if legal(name) == name}.isdisjoint(refused)


def test_more_and_longer_parameters_than_one_request_takes(client, tracker, tmp_path):
    many = {f"parameter{number}": number for number in range(250)}
    spec = {"synth": {"name": "x", **many, "note": "é" * 9000}, "trackers": [{"name": "mlflow"}]}
    tracker.run_started(RunStarted("many", tmp_path, spec))
    logged = client.get_run(tracker.run_id).data.params
    assert len(logged) == 252
    assert logged["synth.parameter249"] == "249"
    assert logged["synth.note"] == "é" * (LONGEST_PARAMETER - 1) + "…"


def test_values_are_written_as_they_are_set():
    spec = {"a": {"on": True, "x": 2.0, "of": ["b", 1], "by": {"nævus": "x2"}, "no": [], "to": {}}}
    assert flatten(spec) == {
        "a.on": "true",
        "a.x": "2.0",
        "a.of": '["b", 1]',
        "a.by.nævus": "x2",
        "a.no": "[]",
        "a.to": "{}",
    }


def test_charts_of_one_text_are_kept_apart_and_photographs_left_out():
    def image(kind, content):
        return (
            f'<img alt="Loss & more" src="data:image/{kind};base64,{b64encode(content).decode()}">'
        )

    html = image("svg+xml", b"<svg>1</svg>") + image("jpeg", b"x") + image("svg+xml", b"<svg/>")
    assert charts(html) == {"loss-more.svg": "<svg>1</svg>", "loss-more-2.svg": "<svg/>"}
