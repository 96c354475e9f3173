# ruff: noqa: D100, D103
from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
import requests
from mlflow import MlflowClient

SECONDS_TO_START = 120


@pytest.fixture
def server(tmp_path):
    """Address of an MLflow server of the test's own, with its database and its artifacts."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    uri = f"http://127.0.0.1:{port}"
    command = [
        *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)),
        *("--backend-store-uri", f"sqlite:///{tmp_path}/server.db", "--workers", "1"),
        *("--artifacts-destination", str(tmp_path / "kept")),
    ]
    # Runners of background jobs would be seven more processes.
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    log = tmp_path / "server.log"
    with log.open("wb") as told:
        process = subprocess.Popen(
            command,
            cwd=tmp_path,
            env=environment,
            stdout=told,
            stderr=told,
            start_new_session=True,
        )
        try:
            wait_for(uri, process, log)
            yield uri
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # its workers, too
            process.wait()


def wait_for(uri, process, log):
    end = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < end and process.poll() is None:
        try:
            if requests.get(f"{uri}/health", timeout=5).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.2)
    pytest.fail(f"mlflow server did not start:\n{log.read_text()[-2000:]}")


def imbderm(*words, cache):
    environment = {**os.environ, "IMBDERM_CACHE": str(cache)}
    command = [sys.executable, "-m", "imbalance_derm", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, env=environment)


@pytest.mark.slow
def test_from_the_command_line_to_a_server_and_back(server, cache, tmp_path):
    out = tmp_path / "runs"
    words = ["run", "--preset", "smoke", "--set", "evaluation.resamples=100", "--out", out]
    done = imbderm(*words, "--tracker", f"mlflow/{server}", "--json", cache=cache)
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)  # MLflow adds nothing to it
    broken = tmp_path / "broken" / "mel"
    broken.mkdir(parents=True)
    (broken / "one.png").write_text("no image")
    data = ["--data", broken.parent]
    failed = imbderm(*words, *data, "--tracker", f"mlflow/{server}", cache=cache)
    assert failed.returncode == 2, failed.stderr
    assert failed.stderr.count("\n") == 1, failed.stderr

    client = MlflowClient(server)
    (experiment,) = client.search_experiments(filter_string="name = 'imbderm'")
    runs = client.search_runs([experiment.experiment_id])
    assert {run.info.status for run in runs} == {"FINISHED", "FAILED"}
    (run,) = [run for run in runs if run.info.status == "FINISHED"]
    assert run.info.run_name == record["name"]
    assert run.data.params["data.root"] == ""
    auc = record["metrics"]["test"]["auc"]
    for end, name in {"value": "auc", "low": "auc.low", "high": "auc.high"}.items():
        assert run.data.metrics[f"test/{name}"] == auc[end]
    folder = out / record["name"]
    for name in ("report.html", "weights.safetensors"):
        place = f"model/{name}" if name.startswith("weights") else name
        kept = client.download_artifacts(run.info.run_id, place, str(tmp_path))
        assert Path(kept).read_bytes() == (folder / name).read_bytes()
