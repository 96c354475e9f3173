"""``imbderm bench`` as a user has it: looked at first, killed half-way, and run again."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SUITE = """
summary = "Two losses on fixed features, one of them left out with the synthesizer"
preset = "smoke"
seeds = [0, 1]

[base]
data = "phantom"
backbone = { name = "efficientnet_lite0", frozen = true }
train.updates = 3

[axes]
synth = ["none", "smote"]
loss = ["ce", "focal"]

[[exclude]]
synth = "smote"
loss = "focal"
reason = "known from before"
"""


DIVERGING = """
preset = "smoke"

[base]
data = "phantom"
backbone = { name = "efficientnet_lite0", frozen = true }
train.updates = 3

[axes.rate]
sound = {}
endless = { train.learning_rate = 1e38 }
"""


@pytest.fixture
def suite(tmp_path) -> Path:
    file = tmp_path / "small.toml"
    file.write_text(SUITE)
    return file


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "imbalance_derm", "bench", *map(str, words)]


def environment(cache: Path) -> dict[str, str]:
    return {**os.environ, "IMBDERM_CACHE": str(cache), "OMP_NUM_THREADS": "1", "COLUMNS": "200"}


def run(cache: Path, *words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*words), env=environment(cache), capture_output=True, text=True, check=False
    )


def computed(cache: Path) -> dict[Path, int]:
    """Return every finished stage with the time at which it was finished."""
    return {file: file.stat().st_mtime_ns for file in cache.glob("*/*/stage.json")}


def figures(out: Path) -> dict[str, object]:
    """Return the metrics of every run, and the leaderboard without what names its folder."""
    records = {
        file.parent.name: json.loads(file.read_text())["metrics"]
        for file in (out / "runs").glob("*/record.json")
    }
    page = (out / "leaderboard.json").read_text().replace(str(out), "OUT")
    return {"records": records, "leaderboard": json.loads(page)}


def test_a_dry_run_shows_what_would_be_computed_and_leaves_nothing(suite, tmp_path):
    result = run(tmp_path / "cache", suite, "--out", tmp_path / "out", "--dry-run")
    assert result.returncode == 0, result.stderr
    rows = dict(re.findall(r"^ *(\w+) +\d+ +(\d+) +\d+", result.stdout, re.MULTILINE))
    # Six runs: two losses and two seeds without synthesis, and one loss with it.
    assert rows == {
        "decode": "1", "embed": "1", "fit": "2", "sample": "2", "audit": "2", "train": "6",
        "run": "6",
    }  # fmt: skip
    assert "known from before" in result.stdout
    assert "About " in result.stdout
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_killed_and_run_again_it_computes_nothing_twice(suite, tmp_path):
    cache, out = tmp_path / "cache", tmp_path / "out"
    words = (suite, "--out", out, "--jobs", 1)
    with subprocess.Popen(
        command(*words), env=environment(cache), stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, start_new_session=True,
    ) as killed:  # fmt: skip
        deadline = time.monotonic() + 300
        while len(list(out.glob("runs/*/record.json"))) < 2 and time.monotonic() < deadline:
            time.sleep(0.1)
        os.killpg(killed.pid, signal.SIGKILL)
    before = computed(cache)
    records = {file: file.stat().st_mtime_ns for file in out.glob("runs/*/record.json")}
    assert 2 <= len(records) < 6

    again = run(cache, *words)
    assert again.returncode == 0, again.stderr
    assert before.items() <= computed(cache).items()
    assert (
        records.items()
        <= {file: file.stat().st_mtime_ns for file in out.glob("runs/*/record.json")}.items()
    )
    after = computed(cache)
    # Each stage once: six trainings, two fits, and nothing else of these.
    assert [len(list(cache.glob(f"{stage}/*/stage.json"))) for stage in ("train", "fit")] == [6, 2]

    found = figures(out)
    complete = run(cache, *words)
    assert complete.returncode == 0, complete.stderr
    assert computed(cache) == after
    assert figures(out) == found
    assert "Leaderboard: " in complete.stdout

    whole = tmp_path / "whole"
    undisturbed = run(tmp_path / "other_cache", suite, "--out", whole, "--jobs", 2)
    assert undisturbed.returncode == 0, undisturbed.stderr
    assert figures(whole) == found


@pytest.mark.slow
def test_a_run_that_fails_is_told_by_the_exit_code_and_the_others_stand(tmp_path):
    file, out = tmp_path / "diverging.toml", tmp_path / "out"
    file.write_text(DIVERGING)
    result = run(tmp_path / "cache", file, "--out", out, "--jobs", 2)
    assert result.returncode == 1, result.stderr
    assert "1 of 2 runs gave no result" in result.stdout
    (board,) = json.loads((out / "leaderboard.json").read_text())
    assert [row["axes"] for row in board["rows"] if row["runs"]] == [{"rate": "sound"}]
    assert [cell["status"] for cell in board["failures"]] == ["failed"]
    assert not list((out / "sessions").glob("*"))
    other = tmp_path / "other.toml"
    other.write_text(DIVERGING)
    taken = run(tmp_path / "cache", other, "--out", out)
    assert (taken.returncode, taken.stderr.count("\n")) == (2, 1)
    assert "holds suite diverging, this is other" in taken.stderr


def test_a_suite_that_cannot_be_made_is_told_in_one_line(tmp_path):
    file = tmp_path / "faulty.toml"
    file.write_text('[axes]\nloss = ["focall"]\n')
    result = run(tmp_path / "cache", file, "--out", tmp_path / "out")
    assert result.returncode == 2
    assert result.stderr.startswith("Error: ")
    assert "did you mean 'focal'" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()
