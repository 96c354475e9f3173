# ruff: noqa: D100, D103
from __future__ import annotations

import os

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"  # read when MLflow is imported
os.environ["DO_NOT_TRACK"] = "true"

import pytest
from mlflow import MlflowClient

from imbalance_derm import Experiment

TINY = ("evaluation.resamples=100", "train.threads=1")


@pytest.fixture(autouse=True)
def untold(monkeypatch):
    """Let no address of the developer's own reach a test."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="session")
def store(tmp_path_factory) -> str:
    """Address of an SQLite store; to make its tables takes seconds."""
    return f"sqlite:///{tmp_path_factory.mktemp('a store')}/mlflow.db"


@pytest.fixture(scope="session")
def client(store) -> MlflowClient:
    return MlflowClient(store)


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def experiment(store, request):
    """Compose a smoke run that is told to an MLflow experiment named after the test."""

    def compose(*settings, uri=store, log_model=True, **parts):
        tracker = {
            "name": "mlflow",
            "tracking_uri": uri,
            "experiment": request.node.name,
            "log_model": log_model,
        }
        return Experiment(preset="smoke", settings=[*TINY, *settings], trackers=(tracker,), **parts)

    return compose


@pytest.fixture
def runs_of(client, request):
    """Return the runs in the test's MLflow experiment, the first one first."""

    def find(own=client):
        found = own.get_experiment_by_name(request.node.name)
        return own.search_runs([found.experiment_id], order_by=["attributes.start_time ASC"])

    return find
