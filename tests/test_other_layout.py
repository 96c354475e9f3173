"""Real photographs in a stranger's layout work at the first try, by docs/own-images.md alone."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

GUIDE = Path(__file__).resolve().parents[1] / "docs" / "own-images.md"
CLASSES = {"nv": ("Nävus", 36), "mel": ("mélanome", 18), "bcc": ("Базалиома 1", 12)}
STEMS = ("Foto ü №{}", "写真_{}", "снимок {} (копия)", "é.v2-{}")
FORMS = (("RGB", "jpg"), ("L", "png"), ("RGBA", "png"), ("L", "JPG"), ("RGB", "png"))
SIDES = (90, 1000, 333, 151, 640)


@pytest.fixture(scope="module")
def folder(data_root, tmp_path_factory) -> Path:
    """Photographs of HAM10000: three classes under other names, of all sizes and forms."""
    if not (data_root / "ham10000").is_dir():
        pytest.skip("no ham10000 in the folder of real data sets")
    root = tmp_path_factory.mktemp("Dr. Müllers Bilder")
    table = pd.read_csv(data_root / "ham10000" / "HAM10000_metadata.csv")
    files = {path.stem: path for path in (data_root / "ham10000").glob("*_part_*/*.jpg")}
    rows = []
    for dx, (label, count) in CLASSES.items():
        for _, row in table[table["dx"] == dx].head(count).iterrows():
            n = len(rows)
            mode, suffix = FORMS[n % len(FORMS)]
            name = f"Aufnahmen/{STEMS[n % len(STEMS)].format(n)}.{suffix}"
            with Image.open(files[row["image_id"]]) as photo:
                side = SIDES[n % 7 % len(SIDES)]
                height = max(90, round(side * photo.height / photo.width))
                image = photo.resize((side, height)).convert(mode)
            (root / name).parent.mkdir(exist_ok=True)
            image.save(root / name)
            rows.append((name, label, row["localization"], row["lesion_id"], ""))
    with (root / "table.csv").open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(("file", "diagnosis", "body part", "lesion no", "patient"))
        writer.writerows(rows)
    return root


def command_of_the_guide(beginning: str) -> list[str]:
    """The one command of the guide that begins so, as words without the program's name."""
    text = re.sub(r" *\\\n +", " ", GUIDE.read_text(encoding="utf-8"))
    (line,) = re.findall(rf"^imbderm {beginning} --set .*$", text, re.M)
    return shlex.split(line)[1:]


def imbderm(folder: Path, *words: str) -> str:
    environment = {**os.environ, "IMBDERM_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    environment.pop("IMBDERM_DATA", None)
    done = subprocess.run(
        [sys.executable, "-m", "imbalance_derm", *words],
        capture_output=True, text=True, encoding="utf-8", cwd=folder, timeout=300,
        env={**environment, "PYTHONUTF8": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "Warning" not in done.stderr
    return done.stdout


def test_inspect_finds_nothing_that_stops_a_run(folder):
    words = command_of_the_guide("data inspect table.csv")
    found = json.loads(imbderm(folder, *words, "--json"))
    counts = {label: {"not given": count} for label, count in CLASSES.values()}
    assert found["classes"] == counts
    assert found["usable"] == found["images"] == 66
    assert (found["sizes"]["width"]["min"], found["sizes"]["width"]["max"]) == (90, 1000)
    assert set(found["modes"]) == {"RGB", "L", "RGBA"}
    assert "lower extremity" in found["sites"]
    assert not [each for each in found["findings"] if each["level"] == "stops a run"]


@pytest.mark.slow
def test_a_run_works_and_keeps_lesions_together(folder):
    words = command_of_the_guide("run --data table.csv")
    small = ("--preset", "smoke", "--set", "train.updates=4", "--set", "train.threads=1")
    run = Path(imbderm(folder, *words, *small, "--quiet").strip())
    record = json.loads((run / "record.json").read_text(encoding="utf-8"))
    assert sorted(record["data"]["classes"]) == sorted(label for label, _ in CLASSES.values())
    assert record["data"]["skipped"] == 0
    counts = record["data"]["counts"]
    for label, count in CLASSES.values():
        assert sum(split[label] for split in counts.values()) == count
    assert record["metrics"]["test"]["balanced_accuracy"]["low"] is not None

    rows = pd.read_csv(folder / "table.csv", sep=";", dtype=str, encoding="utf-8-sig")
    lesion_of = dict(zip(rows["file"], rows["lesion no"], strict=True))
    judged = pd.read_csv(run / "predictions.csv", dtype=str)
    assert len(judged) == sum(sum(counts[split].values()) for split in ("validation", "test"))
    splits = judged.assign(lesion=judged["image"].map(lesion_of)).groupby("lesion")["split"]
    assert judged["image"].isin(lesion_of).all()
    assert (splits.nunique() == 1).all()
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "Базалиома 1" in page


def test_a_wrong_column_is_told_with_the_setting_that_mends_it(folder):
    done = subprocess.run(
        [sys.executable, "-m", "imbalance_derm", "data", "inspect", "table.csv"],
        capture_output=True, text=True, encoding="utf-8", cwd=folder,
    )  # fmt: skip
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "has no column 'image'" in line
    assert "--set data.image_column=COLUMN" in line
