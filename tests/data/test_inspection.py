"""What a look at a data set finds, each fault planted by hand."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imbalance_derm.data.checks import check_table
from imbalance_derm.data.findings import LEVELS, NOTE, STOPS, WARNING, findings
from imbalance_derm.data.inspection import PAINTED, UNASSIGNED, Inspection, inspect
from imbalance_derm.data.sources.csv import Csv
from imbalance_derm.data.sources.folder import Folder
from imbalance_derm.data.sources.ham10000 import Ham10000
from imbalance_derm.data.sources.phantom import Phantom
from imbalance_derm.errors import InputError

Save = Callable[[Path, int], Path]


@pytest.fixture
def listed(tmp_path: Path, save: Save) -> Callable[..., Inspection]:
    """``listed("name,label,lesion,patient,split", ...)`` after 24 sound rows; files are kept."""

    def make(*rows: str) -> Inspection:
        sound = []
        for i in range(24):
            split = ("train", "validation", "test")[i % 3]
            sound.append(f"s{i}.png,{'nv' if i < 16 else 'mel'},L{i},P{i},{split}")
            save(tmp_path / f"s{i}.png", 100 + i)
        lines = ["image,label,lesion,patient,split", *sound, *rows]
        (tmp_path / "list.csv").write_text("\n".join(lines) + "\n")
        columns = {f"{c}_column": c for c in ("lesion", "patient", "split")}
        return inspect(Csv(**columns), "list.csv", tmp_path / "list.csv")

    return make


def texts(found: Inspection, level: str) -> list[str]:
    return [line.text for line in findings(found) if line.level == level]


def test_a_sound_set_has_nothing_but_notes(listed: Callable[..., Inspection]) -> None:
    found = listed()
    assert {line.level for line in findings(found)} == {NOTE}
    assert found.classes.loc["nv"].to_dict() == {"train": 6, "validation": 5, "test": 5}
    assert found.classes.loc["mel"].to_dict() == {"train": 2, "validation": 3, "test": 3}
    assert found.imbalance == 3.0
    assert found.sizes == {"width": (32, 32.0, 32), "height": (24, 24.0, 24)}
    assert found.modes == {"RGB": 24}
    assert found.sites is None


def test_broken_missing_and_unlabelled_files(
    listed: Callable[..., Inspection], tmp_path: Path, save: Save
) -> None:
    whole = save(tmp_path / "cut.jpg", 1).read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.png").write_text("no image")
    save(tmp_path / "bare.png", 2)
    found = listed("cut.jpg,nv,a,,train", "text.png,nv,b,,train", "gone.png,nv,c,,train",
                   "bare.png,,d,,train")  # fmt: skip
    reasons = {Path(row["source"]).name: row["reason"] for row in found.as_dict()["broken"]}
    assert set(reasons) == {"cut.jpg", "text.png", "gone.png"}
    assert "truncated" in reasons["cut.jpg"].lower()
    assert reasons["gone.png"] == "no such file"
    assert found.as_dict()["unlabelled"] == ["bare.png"]
    assert len(found.usable) == 24
    broken, bare = texts(found, STOPS)
    assert broken.startswith("3 files cannot be used")
    assert bare.startswith("1 image without a label")
    assert all("--skip-bad-images" in line.advice for line in findings(found)[:2])


def test_one_image_under_two_labels(
    listed: Callable[..., Inspection], tmp_path: Path, save: Save
) -> None:
    one = save(tmp_path / "one.png", 1)
    shutil.copy(one, tmp_path / "same-bytes.png")
    Image.open(save(tmp_path / "two.png", 2)).save(tmp_path / "same-pixels.bmp")
    found = listed("one.png,nv,a,,train", "same-bytes.png,mel,b,,train",
                   "two.png,nv,c,,train", "same-pixels.bmp,mel,d,,train")  # fmt: skip
    assert found.as_dict()["two_labels"] == [
        ["one.png", "same-bytes.png"],
        ["two.png", "same-pixels.bmp"],
    ]
    (stops,) = texts(found, STOPS)
    (warning,) = texts(found, WARNING)
    assert "two labels (equal bytes): one.png, same-bytes.png are mel and nv" in stops
    assert "two labels (equal pixels): two.png, same-pixels.bmp are mel and nv" in warning
    assert found.near == []


def test_copies_within_a_lesion_do_not_matter_and_across_lesions_do(
    listed: Callable[..., Inspection], tmp_path: Path, save: Save
) -> None:
    for name in ("a", "b"):
        shutil.copy(save(tmp_path / f"{name}.png", ord(name)), tmp_path / f"{name}2.png")
    found = listed("a.png,nv,a,,train", "a2.png,nv,a,,train",
                   "b.png,nv,b,,train", "b2.png,nv,c,,train")  # fmt: skip
    (stops,) = texts(found, STOPS)
    assert stops == "1 image more than once (equal bytes): b.png, b2.png"
    assert "1 image more than once (equal bytes) within one lesion" in texts(found, NOTE)


def test_what_stops_a_run_is_what_a_run_stops_at(
    listed: Callable[..., Inspection], tmp_path: Path, save: Save
) -> None:
    shutil.copy(save(tmp_path / "a.png", 1), tmp_path / "b.png")
    found = listed("a.png,nv,a,,train", "b.png,nv,b,,train")
    assert texts(found, STOPS)
    columns = {f"{c}_column": c for c in ("lesion", "patient", "split")}
    dataset = Csv(**columns)
    with pytest.raises(InputError, match="same file"):
        check_table(dataset, dataset.table(tmp_path / "list.csv"), skip_bad=False)


def test_near_duplicates_across_splits_labels_and_lesions(
    listed: Callable[..., Inspection], tmp_path: Path, save: Save
) -> None:
    for name in ("a", "b", "c"):
        image = Image.open(save(tmp_path / f"{name}.png", ord(name)))
        image.save(tmp_path / f"{name}.jpg", quality=60)
    found = listed("a.png,nv,a,,train", "a.jpg,nv,a,,train",
                   "b.png,nv,b,,train", "b.jpg,mel,b2,,train",
                   "c.png,nv,c,,train", "c.jpg,nv,c2,,test")  # fmt: skip
    told = found.as_dict()
    assert [pair["images"] for pair in told["near_duplicates"]] == [
        ["a.png", "a.jpg"],
        ["b.png", "b.jpg"],
        ["c.png", "c.jpg"],
    ]
    assert told["near_duplicates"][1]["labels"] == ["mel", "nv"]
    assert told["across_splits"] == [["c.png", "c.jpg"]]
    assert texts(found, STOPS) == []
    assert texts(found, WARNING) == [
        "1 pair of near duplicates under two labels: b.png, b.jpg",
        "2 pairs of near duplicates under two lesion ids: b.png, b.jpg (and 1 more like it)",
        "1 pair of equal or similar images across splits: c.png, c.jpg",
    ]
    assert "1 pair of near duplicates within one lesion" in texts(found, NOTE)


def test_leaks_by_lesion_and_patient(
    listed: Callable[..., Inspection], tmp_path: Path, save: Save
) -> None:
    for i in range(4):
        save(tmp_path / f"x{i}.png", i)
    found = listed("x0.png,nv,a,,train", "x1.png,nv,a,,test",
                   "x2.png,nv,b,Q,train", "x3.png,nv,c,Q,validation")  # fmt: skip
    assert found.leaks == {"lesion": ["a"], "patient": ["Q"]}
    assert texts(found, STOPS) == [
        "1 lesion in more than one split: a",
        "1 patient in more than one split: Q",
    ]


def test_a_group_of_copies_crosses_once_for_each_pair_of_splits(
    listed: Callable[..., Inspection], tmp_path: Path, save: Save
) -> None:
    save(tmp_path / "a0.png", 1)
    for i in range(1, 5):
        shutil.copy(tmp_path / "a0.png", tmp_path / f"a{i}.png")
    splits = ("train", "train", "test", "test", "")
    found = listed(*(f"a{i}.png,nv,a{i},,{split}" for i, split in enumerate(splits)))
    assert found.as_dict()["across_splits"] == [["a0.png", "a2.png"]]


def test_what_a_split_would_refuse_is_said(tmp_path: Path, save: Save) -> None:
    for i in range(9):
        save(tmp_path / ("nv" if i < 8 else "mel") / f"{i}.png", i)
    found = inspect(Folder(), "photos", tmp_path)
    assert list(found.classes) == [UNASSIGNED]
    (stops,) = [line for line in findings(found) if line.level == STOPS]
    assert "class 'mel' has too few lesions" in stops.text
    assert stops.advice.startswith("add images")


def test_nothing_usable_at_all(tmp_path: Path) -> None:
    for name in ("nv", "mel"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.png").write_text("no image")
    found = inspect(Folder(), "photos", tmp_path)
    assert found.imbalance == 0.0
    assert found.sizes == {}
    assert json.loads(json.dumps(found.as_dict()))["usable"] == 0
    assert "2 files cannot be used" in texts(found, STOPS)[0]


def test_sizes_are_upright_and_modes_those_of_the_files(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / "nv").mkdir()
    for i, (mode, size) in enumerate([("L", (90, 40)), ("RGBA", (70, 50)), ("RGB", (60, 80))]):
        channels = len(Image.new(mode, (1, 1)).getbands())
        pixels = rng.integers(0, 255, (size[1], size[0], channels), np.uint8).squeeze()
        exif = Image.Exif()
        exif[0x0112] = 6 if mode == "RGB" else 1
        Image.fromarray(pixels, mode).save(tmp_path / "nv" / f"{i}.png", exif=exif)
    found = inspect(Folder(), "photos", tmp_path)
    assert found.modes == {"L": 1, "RGBA": 1, "RGB": 1}
    assert found.sizes == {"width": (70, 80.0, 90), "height": (40, 50.0, 60)}


def test_sites_and_given_splits_of_a_publisher(ham10000_root: Path) -> None:
    found = inspect(Ham10000(), "ham10000", ham10000_root)
    sites = found.as_dict()["sites"]
    assert sites["back"] == {"nv": 3, "bkl": 0, "mel": 0}
    assert sum(sum(row.values()) for row in sites.values()) == len(found.usable)


def test_painted_images_and_progress() -> None:
    seen = []
    dataset = Phantom(images=70, ratio=6.0, resolution=16)
    found = inspect(dataset, "phantom", None, lambda *told: seen.append(told))
    assert found.modes == {PAINTED: 70}
    assert seen[:2] == [("read", 64, 70), ("read", 70, 70)]
    assert seen[-1] == ("compare", 70, 70)
    assert "drawn by a program" in found.notice


def test_findings_come_worst_first(
    listed: Callable[..., Inspection], tmp_path: Path, save: Save
) -> None:
    Image.open(save(tmp_path / "a.png", 1)).save(tmp_path / "a.jpg")
    found = listed("a.png,nv,a,,train", "a.jpg,nv,b,,test", "gone.png,nv,c,,train")
    levels = [LEVELS.index(line.level) for line in findings(found)]
    assert levels == sorted(levels)
    assert set(levels) == {0, 1, 2}
