"""kill -9 in the synthesizer's stage and in the classifier's, then --resume: equal records."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from .conftest import TINY

SETTINGS = [
    *TINY, "train.updates=60", "train.validations=3", "synth.steps=60", "train.learning_rate=0.001",
    "train.checkpoint_seconds=0",
]  # fmt: skip


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "imbalance_derm", "run", *words]


def environment(cache: Path) -> dict[str, str]:
    return {**os.environ, "IMBDERM_CACHE": str(cache)}


def fresh(out: Path) -> list[str]:
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    return command("--synth", "cyclegan", "--preset", "smoke", "--out", str(out), *settings)


def comparable(record: dict) -> dict:
    """The record without what time and place alone decide."""
    for name in ("seconds", "created", "command", "name"):
        record.pop(name)
    for stage in record["stages"]:
        for name in ("seconds", "peak_memory_mb", "cached", "steps"):
            stage.pop(name)
    return record


def kill_in(stage: str, out: Path, cache: Path) -> Path:
    """Start a run, kill -9 it once `stage` has a checkpoint, and return the run's folder."""
    process = subprocess.Popen(
        fresh(out), env=environment(cache), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    deadline = time.monotonic() + 120
    while not list(cache.glob(f"{stage}/*.partial/checkpoint/state.safetensors")):
        assert process.poll() is None, process.stdout.read().decode()
        assert time.monotonic() < deadline, f"no checkpoint in stage {stage}"
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    (folder,) = out.iterdir()
    assert not (folder / "record.json").exists()
    return folder


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_record(tmp_path):
    subprocess.run(
        fresh(tmp_path / "whole"), env=environment(tmp_path / "c0"), check=True, capture_output=True
    )
    (whole,) = (tmp_path / "whole").iterdir()
    expected = comparable(json.loads((whole / "record.json").read_text()))
    for stage in ("fit", "train"):
        cache = tmp_path / f"cache-{stage}"
        folder = kill_in(stage, tmp_path / stage, cache)
        done = subprocess.run(
            command("--resume", str(folder), "--json"),
            env=environment(cache), check=True, capture_output=True, text=True,
        )  # fmt: skip
        record = comparable(json.loads(done.stdout))
        assert record == expected
        assert (folder / "predictions.csv").read_bytes() == (whole / "predictions.csv").read_bytes()
        assert (folder / "weights.safetensors").read_bytes() == (
            whole / "weights.safetensors"
        ).read_bytes()


@pytest.mark.slow
def test_interrupted_with_ctrl_c_exits_130_and_names_the_way_on(tmp_path):
    process = subprocess.Popen(
        fresh(tmp_path / "out"), env=environment(tmp_path / "c"), stderr=subprocess.PIPE, text=True,
        # Workers and background jobs ignore the signal, and what they start inherits that.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    while not list((tmp_path / "c").glob("fit/*.partial/checkpoint/state.safetensors")):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "imbderm run --resume" in errors.splitlines()[-1]
    assert "Traceback" not in errors
