# ruff: noqa: D100, D103
from __future__ import annotations

import json
import subprocess
import sys

import pytest

from imbalance_derm.testing import conformance

test_conformance = conformance("tracker", "mlflow")


@pytest.fixture(autouse=True)
def told(untold, store, monkeypatch):
    """Tell MLflow by its variable where to write, as the kit leaves all parameters out."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)


def test_mlflow_is_imported_when_a_tracker_is_built_and_not_before():
    code = """
import json, sys
from imbalance_derm import Experiment
from imbalance_derm.registry.parameters import describe, resolve_name
described = describe(resolve_name("tracker", "mlflow")[0].load())
tracker = Experiment(trackers=("mlflow/sqlite:///a.db",)).spec.trackers[0]
print(json.dumps({
    "parameters": [each.name for each in described],
    "values": tracker.parameters,
    "imported": [name for name in sys.modules if name.split(".")[0] in ("mlflow", "sqlalchemy")],
}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {
        "parameters": ["tracking_uri", "experiment", "log_model"],
        "values": {"tracking_uri": "sqlite:///a.db", "experiment": "imbderm", "log_model": True},
        "imported": [],
    }
