"""The command line as a user meets it: exit codes, one-line errors, clean output."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

TINY = [
    "--preset", "smoke", "--set", "data.images=96", "--set", "data.ratio=3",
    "--set", "train.updates=2", "--set", "train.threads=1",
]  # fmt: skip


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


def imbderm(
    *words: str, cache: Path | None = None, **variables: str
) -> subprocess.CompletedProcess:
    environment = {**os.environ, **variables}
    environment.pop("IMBDERM_DATA", None)
    if cache is not None:
        environment["IMBDERM_CACHE"] = str(cache)
    return subprocess.run(
        [sys.executable, "-m", "imbalance_derm", *words],
        capture_output=True, text=True, env=environment, timeout=300,
    )  # fmt: skip


def photos(root: Path, counts: dict[str, int]) -> Path:
    rng = np.random.default_rng(0)
    for name, count in counts.items():
        (root / name).mkdir(parents=True)
        for number in range(count):
            pixels = rng.integers(0, 255, (40, 50, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / f"{number}.jpg")
    return root


def assert_one_line(done: subprocess.CompletedProcess, code: int, *texts: str) -> None:
    assert done.returncode == code, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert done.stderr.splitlines()[-1] == line
    assert "Traceback" not in done.stderr
    for text in texts:
        assert text in line
    assert done.stdout == ""


def test_json_is_the_record_and_nothing_else(tmp_path, cache):
    done = imbderm("run", *TINY, "--json", "--out", str(tmp_path), cache=cache)
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert set(record["metrics"]["test"]["auc"]) == {"value", "low", "high"}
    assert (tmp_path / record["name"] / "record.json").read_text() == done.stdout.rstrip("\n")
    assert "\x1b" not in done.stderr


def test_the_outcome_names_figures_notice_and_report(tmp_path, cache):
    done = imbderm("run", *TINY, "--out", str(tmp_path), cache=cache)
    assert "AUC" in done.stdout
    assert "not clinical evidence" in done.stdout
    (report,) = tmp_path.glob("*/report.html")
    assert f"Report: {report}" in done.stdout
    assert "\x1b" not in done.stdout


def test_out_may_hold_other_files_and_runs_never_share_a_folder(tmp_path, cache):
    (tmp_path / "notes.txt").write_text("mine")
    for _ in range(2):
        assert imbderm("run", *TINY, "--out", str(tmp_path), cache=cache).returncode == 0
    assert len(list(tmp_path.glob("*/record.json"))) == 2
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_run_repeats_from_its_own_spec(tmp_path, cache):
    first = json.loads(
        imbderm(
            "run", *TINY, "--loss", "focal", "--json", "--out", str(tmp_path), cache=cache
        ).stdout
    )
    spec = tmp_path / first["name"] / "spec.toml"
    again = json.loads(
        imbderm("run", "--config", str(spec), "--json", "--out", str(tmp_path), cache=cache).stdout
    )
    assert again["spec"] == first["spec"]
    assert again["metrics"] == first["metrics"]
    assert all(stage["cached"] for stage in again["stages"])


def test_help_and_version():
    assert "run" in imbderm("--help").stdout
    assert imbderm("--version").stdout.startswith("imbderm, version ")
    assert imbderm("plugins", "list", "--kind", "los").returncode == 2


def test_plugins_as_json():
    listed = json.loads(imbderm("plugins", "list", "--json").stdout)
    assert {"kind", "name", "distribution", "version", "summary", "citation"} <= set(listed[0])
    (info,) = json.loads(imbderm("plugins", "info", "synthesizer", "cyclegan", "--json").stdout)
    parameters = {parameter["name"]: parameter for parameter in info["parameters"]}
    assert parameters["cycle_weight"]["default"] == 10.0
    assert all(parameter["doc"] for parameter in info["parameters"])
    assert "paper" in info["presets"]


def test_help_imports_neither_torch_nor_pydantic():
    code = (
        "import sys; sys.argv = ['imbderm', *{words}]\n"
        "from imbalance_derm.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: print([m for m in ('torch', 'pydantic') if m in sys.modules])"
    )
    for words in (["--help"], ["plugins", "list"], ["run", "--help"]):
        done = subprocess.run(
            [sys.executable, "-c", code.format(words=words)], capture_output=True, text=True
        )
        assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_completion_offers_component_names():
    done = imbderm(
        "", _IMBDERM_COMPLETE="bash_complete", COMP_WORDS="imbderm run --loss f", COMP_CWORD="3"
    )
    assert "focal" in done.stdout


@pytest.mark.parametrize(
    ("words", "texts"),
    [
        (["run", "--loss", "focl"], ["unknown loss 'focl'", "'focal'"]),
        (["run", "--set", "loss.gamma=-1", "--loss", "focal"], ["loss.gamma=-1"]),
        (["run", "--set", "train.batch_size=0"], ["train.batch_size=0"]),
        (["run", "--set", "epochs"], ["SECTION.KEY=VALUE"]),
        (["run", "--colour"], ["--colour"]),
        (["run", "--data", "ham10000"], ["--data-root"]),
        (["run", "--data", "isic2016", "--data-root", "."], ["isic2016"]),
        (["run", "--resume", "nowhere"], ["nowhere"]),
        (["leaderboard", "nowhere"], ["nowhere"]),
        (["runn"], ["runn"]),
    ],
)
def test_bad_usage_is_one_line_and_exit_2(words, texts, tmp_path, monkeypatch, cache):
    monkeypatch.chdir(tmp_path)
    assert_one_line(imbderm(*words, cache=cache), 2, *texts)
    assert not list(tmp_path.rglob("record.json"))


def test_a_corrupt_jpeg_is_named_or_skipped_and_counted(tmp_path, cache):
    root = photos(tmp_path / "photos", {"mel": 12, "nv": 30})
    whole = (root / "nv" / "7.jpg").read_bytes()
    (root / "nv" / "7.jpg").write_bytes(whole[: len(whole) // 2])
    words = ["run", *TINY[:2], *TINY[6:], "--data", str(root), "--out", str(tmp_path / "out")]
    assert_one_line(imbderm(*words, cache=cache), 2, "7.jpg", "skip")
    done = imbderm(*words, "--skip-bad-images", "--json", cache=cache)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["data"]["skipped"] == 1
    assert len(list((tmp_path / "out").glob("*/record.json"))) == 1


@pytest.mark.parametrize(
    ("counts", "texts"),
    [({"mel": 0, "nv": 20}, ["mel", "no image"]), ({"mel": 1, "nv": 20}, ["mel", "1"])],
)
def test_an_empty_class_and_a_class_with_one_lesion(tmp_path, cache, counts, texts):
    root = photos(tmp_path / "photos", counts)
    done = imbderm(
        "run", *TINY[:2], "--data", str(root), "--out", str(tmp_path / "out"), cache=cache
    )
    assert_one_line(done, 2, *texts)
    assert not list(tmp_path.rglob("record.json"))


def test_a_csv_with_a_missing_column_names_the_nearest(tmp_path, cache):
    (tmp_path / "t.csv").write_text("imag,label\na.jpg,nv\n")
    done = imbderm(
        "run", "--data", str(tmp_path / "t.csv"), "--out", str(tmp_path / "o"), cache=cache
    )
    assert_one_line(done, 2, "image", "imag")


def test_an_out_that_is_a_file_or_cannot_be_written(tmp_path, cache):
    (tmp_path / "file").write_text("")
    done = imbderm("run", *TINY, "--out", str(tmp_path / "file"), cache=cache)
    assert_one_line(done, 2, "cannot write runs", "--out")
    assert_one_line(imbderm("run", *TINY, "--out", "/proc/imbderm", cache=cache), 2, "--out")


@pytest.mark.skipif(not Path("/dev/full").exists() or os.geteuid() != 0, reason="needs to mount")
def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(tmp_path, cache):
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(small)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("cannot mount a small file system here")
    try:
        words = ["run", *TINY, "--data", "phantom", "--set", "data.image_size=64"]
        done = imbderm(*words, "--out", str(tmp_path / "out"), cache=small)
        assert_one_line(done, 1, "space")
        assert not list(tmp_path.rglob("record.json"))
        assert not list(small.rglob("stage.json"))
        again = imbderm(*words, "--out", str(small / "out"), cache=cache)
        assert_one_line(again, 1, "space")
        assert not list(small.rglob("record.json"))
    finally:
        subprocess.run(["umount", str(small)], check=True)
