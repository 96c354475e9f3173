# ruff: noqa: D100, D103
from __future__ import annotations

import socket
from pathlib import Path

import pytest
from imbderm_mlflow.store import connect

from imbalance_derm import Experiment
from imbalance_derm.errors import InputError


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_without_an_address_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="set MLFLOW_TRACKING_URI, or name it: --tracker"):
        connect("", "imbderm")
    assert list(tmp_path.iterdir()) == []


def test_the_variable_of_mlflow_names_the_store(store, client, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    _, made = connect("", "by variable")
    assert client.get_experiment_by_name("by variable").experiment_id == made
    assert connect(store, "by variable")[1] == made


def test_artifacts_are_kept_beside_the_database(store, client):
    _, made = connect(store, "place")
    run = client.create_run(made)
    client.log_text(run.info.run_id, "text", "file.txt")
    beside = Path(store.removeprefix("sqlite:///")).parent / "mlartifacts"
    assert (beside / run.info.run_id / "artifacts" / "file.txt").read_text() == "text"


def test_a_server_that_is_not_there_is_told_in_one_line():
    uri = f"http://me:secret@127.0.0.1:{free_port()}"
    with pytest.raises(InputError, match=r"cannot use http://127.0.0.1:\d+; check .* server") as no:
        connect(uri, "imbderm")
    assert "\n" not in str(no.value)
    assert "secret" not in str(no.value)


def test_a_deleted_experiment_is_told_with_what_brings_it_back(store, client):
    _, made = connect(store, "deleted")
    client.delete_experiment(made)
    with pytest.raises(InputError, match=f"restore --experiment-id {made}"):
        connect(store, "deleted")
    client.restore_experiment(made)
    assert connect(store, "deleted")[1] == made


def test_a_password_does_not_get_into_the_specification():
    with pytest.raises(InputError, match="the password would stand in the record"):
        Experiment(trackers=("mlflow/https://me:secret@mlflow.example",))
