"""``imbderm data inspect`` as a user meets it, and a stranger's images at the first try."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

COLUMNS = [
    "--set", "data.image_column=Datei", "--set", "data.label_column=Diagnose",
    "--set", "data.site_column=Körperstelle", "--set", "data.lesion_column=Läsion",
]  # fmt: skip


def imbderm(*words: str, **variables: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, **variables}
    environment.pop("IMBDERM_DATA", None)
    return subprocess.run(
        [sys.executable, "-m", "imbalance_derm", *words],
        capture_output=True, text=True, env=environment, timeout=300,
    )  # fmt: skip


def draw(rng: np.random.Generator, mode: str, side: int, colour: tuple[int, ...]) -> Image.Image:
    """A spot on skin, of any mode, from 90 to 1000 pixels wide."""
    size = (side, int(side * rng.uniform(0.7, 1.0)))
    skin = rng.normal((205, 160, 140), 12, 3)
    image = Image.fromarray(np.broadcast_to(skin, (size[1], size[0], 3)).astype(np.uint8))
    x, y = rng.uniform(0.3, 0.7, 2) * size
    w, h = rng.uniform(0.1, 0.28, 2) * side
    ImageDraw.Draw(image).ellipse((x - w, y - h, x + w, y + h), fill=colour)
    noise = rng.normal(0, 8, (12, 12, 3)).clip(-30, 30) + 128
    grain = Image.fromarray(noise.astype(np.uint8)).resize(size)
    return Image.blend(image, grain, 0.3).convert(mode)


@pytest.fixture(scope="module")
def strange(tmp_path_factory) -> Path:
    """Three classes, other column names, jpg and png, grey and RGBA, unicode names."""
    root = tmp_path_factory.mktemp("fremde Bilder ü")
    rng = np.random.default_rng(5)
    lines = ["Nr;Datei;Diagnose;Körperstelle;Läsion"]
    kinds = {
        "Nävus": ("Mutter mal é", (120, 80, 60), 30),
        "Melanom": ("黒色腫 №", (45, 30, 35), 15),
        "Basaliom": ("рак—", (190, 90, 100), 10),
    }
    (root / "Bilder").mkdir()
    for label, (stem, colour, count) in kinds.items():
        for i in range(count):
            mode, suffix = (("RGB", "jpg"), ("RGBA", "png"), ("L", "jpg"), ("L", "png"),
                            ("RGB", "png"))[i % 5]  # fmt: skip
            name = f"{stem}{i}.{suffix}"
            side = (90, 1000, 240, 333)[i % 4]
            draw(rng, mode, side, colour).save(root / "Bilder" / name)
            site = ("Rücken", "Gesicht", "")[i % 3]
            lines.append(f"{i};Bilder/{name};{label};{site};{label}-{i // 2}")
    (root / "liste.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root / "liste.csv"


def test_strange_images_are_inspected_at_the_first_try(strange, tmp_path):
    page = tmp_path / "look.html"
    done = imbderm("data", "inspect", str(strange), *COLUMNS, "--out", str(page))
    assert done.returncode == 0, done.stderr
    assert "stops a run" not in done.stdout
    for text in ("Nävus", "Melanom", "Basaliom", "imbalance 3:1", "Rücken", "RGBA"):
        assert text in done.stdout
    assert f"Page: {page}" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr
    html = page.read_text(encoding="utf-8")
    assert html.count("data:image/jpeg") >= 30
    assert "http" not in html.split("</style>")[1]


def test_strange_images_run_at_the_first_try(strange, tmp_path):
    done = imbderm(
        "run", "--data", str(strange), *COLUMNS, "--preset", "smoke", "--set", "train.updates=2",
        "--set", "train.threads=1", "--json", "--out", str(tmp_path / "runs"),
        IMBDERM_CACHE=str(tmp_path / "cache"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["data"]["skipped"] == 0
    assert sorted(record["data"]["classes"]) == ["Basaliom", "Melanom", "Nävus"]


def test_json_and_nothing_else(strange):
    done = imbderm("data", "inspect", str(strange), *COLUMNS, "--json")
    found = json.loads(done.stdout)
    assert found["images"] == found["usable"] == 55
    assert found["classes"]["Basaliom"] == {"not given": 10}
    assert found["sizes"]["width"] == {"min": 90, "median": 240.0, "max": 1000}
    assert found["modes"]["RGBA"] == 11
    assert sum(sum(row.values()) for row in found["sites"].values()) == 55
    assert {"level", "text", "advice"} == set(found["findings"][0])


def test_findings_are_no_errors_and_names_are_escaped(tmp_path):
    rng = np.random.default_rng(0)
    for label in ("nv", "<b>mel"):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for i in range(6):
            image = draw(rng, "RGB", 100, (90, 60, 50))
            image.save(tmp_path / "photos" / label / f"[red]{i}.png")
    (tmp_path / "photos" / "nv" / "bad.jpg").write_text("no image")
    page = tmp_path / "look.html"
    done = imbderm("data", "inspect", str(tmp_path / "photos"), "--out", str(page))
    assert done.returncode == 0, done.stderr
    assert "stops a run: 1 file cannot be used" in done.stdout
    assert "--skip-bad-images" in done.stdout
    assert "<b>mel" in done.stdout
    assert "<b>mel" not in page.read_text()
    assert "&lt;b&gt;mel" in page.read_text()


@pytest.mark.parametrize(
    ("words", "texts"),
    [
        (["nowhere/"], ["no such file or folder"]),
        (["ham1000"], ["ham10000"]),
        (["ham10000"], ["--data-root"]),
        (["isic2016", "--data-root", "."], ["isic2016"]),
        (["phantom", "--set", "train.epochs=3"], ["data.KEY"]),
        (["phantom", "--set", "data.image=3"], ["data.image", "did you mean"]),
    ],
)
def test_unusable_input_is_one_line_and_exit_2(words, texts, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = imbderm("data", "inspect", *words)
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: ")
    assert all(text in line for text in texts)
    assert done.stdout == ""
