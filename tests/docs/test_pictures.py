"""Every picture has a script that makes it, and shows what it says."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

from imbalance_derm.registry.manager import installed
from imbalance_derm.registry.parameters import create

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs" / "pictures"
MANIFEST = tomllib.loads((PICTURES / "pictures.toml").read_text(encoding="utf-8"))["picture"]
SHOWN = sorted(path for path in PICTURES.iterdir() if path.suffix != ".toml")


def script(name: str):
    spec = importlib.util.spec_from_file_location(name, ROOT / f"benchmarks/pictures/{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", SHOWN, ids=lambda path: path.name)
def test_a_script_of_the_repository_makes_it(path):
    (entry,) = [entry for entry in MANIFEST if re.fullmatch(entry["files"], path.name)]
    source = (ROOT / entry["script"]).read_text(encoding="utf-8")
    found = re.fullmatch(entry["files"], path.name).groupdict()
    made = path.stem.removesuffix(found["name"]) if "name" in found else path.stem
    assert made in source
    if "part" in entry:
        kind, name = entry["part"].format(**found).split("/")
        known = installed().entries
        assert (kind, name) in known or (kind, made.rstrip("_")) in known


def test_no_entry_is_without_a_picture_and_no_picture_is_huge():
    for entry in MANIFEST:
        assert any(re.fullmatch(entry["files"], path.name) for path in SHOWN), entry["files"]
    assert max(path.stat().st_size for path in SHOWN) < 350_000


def test_every_picture_that_a_page_shows_is_there():
    for page in (ROOT / "docs").glob("*.md"):
        for name in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / name).is_file(), f"{page.name}: {name}"


def test_the_house_has_every_room_and_no_import_goes_up():
    house = script("house")
    rooms = house.layers()
    drawn = (PICTURES / "house.svg").read_text(encoding="utf-8")
    assert [room for room in rooms if f">\n{room}</text>" not in drawn.replace('">', '">\n')] == []
    edges = house.imports(rooms)
    assert edges["cli", "pipeline"] > 0
    assert all(rooms.index(above) < rooms.index(below) for above, below in edges)


def test_a_curve_is_the_loss():
    parts = script("parts")
    shown, common, rare = parts.loss_curves(create("loss", "focal"))
    assert common == pytest.approx(-((1 - shown) ** 2) * np.log(shown), abs=1e-5)
    assert rare == pytest.approx(common, abs=1e-6)
    _, common, rare = parts.loss_curves(create("loss", "weighted_ce"))
    assert rare / common == pytest.approx(np.full(len(shown), 9.0), rel=1e-4)  # 900 to 100 images
