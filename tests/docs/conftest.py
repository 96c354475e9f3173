"""A built site, and a folder of images as a stranger might have them."""

from __future__ import annotations

import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
STRANGE = {"naevus": 30, "mélanome": 12, "seborrheic keratosis": 8}


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Path:
    """The documentation, built strictly."""
    pytest.importorskip("material", reason="pip install 'imbalance-derm[docs]'")
    folder = tmp_path_factory.mktemp("docs") / "site"
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="session")
def snippet_cache(tmp_path_factory) -> Path:
    """A stage cache for all pages, as a reader has one."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def real_data() -> Path | None:
    """The folder of the real data sets, where this machine has it."""
    root = Path(os.environ.get("IMBDERM_DATA", ROOT.parent / "shared" / "data"))
    return root if root.is_dir() else None


@pytest.fixture(scope="session")
def strange_images(tmp_path_factory) -> Path:
    """A folder with ``photos/CLASS/*`` and ``table.csv`` of the same images.

    Three classes with strings for labels; jpg and png mixed; RGB, grey, 16-bit grey, RGBA and a
    palette; sides from 90 to 1000 pixels; names with spaces, accents (composed and decomposed) and
    other scripts; two photographs of some lesions; sites that are missing.
    """
    folder = tmp_path_factory.mktemp("strange")
    rng = np.random.default_rng(0)
    sites = ("back", "left arm", "right arm", "face", "", "unknown")
    rows = ["file;diagnosis;body part;lesion no;patient"]
    for number, (label, count) in enumerate(STRANGE.items()):
        (folder / "photos" / label).mkdir(parents=True)
        for n in range(count):
            picture, suffix = _picture(rng, number, n)
            form = ("NFC", "NFD")[n % 2]
            stem = unicodedata.normalize(form, ("ü ñ", "IMG (1)", "皮膚", "Ärm.v2")[n % 4])
            path = folder / "photos" / label / f"{stem} {n}{suffix}"
            picture.save(path)
            name = unicodedata.normalize("NFC", path.relative_to(folder).as_posix())
            lesion = f"{number}-{n // 2 if n < 6 else n}"
            rows.append(f"{name};{label};{sites[n % 6]};{lesion};p{lesion}")
    (folder / "table.csv").write_text("\n".join(rows) + "\n", encoding="utf-8-sig")
    return folder


def _picture(rng: np.random.Generator, number: int, n: int) -> tuple[Image.Image, str]:
    """Draw a spot on a ground, of any size and pixel mode."""
    width, height = (int(side) for side in rng.integers(90, 1001, size=2))
    if n < 2:
        width, height = ((90, 1000), (1000, 90))[n]
    coarse = rng.integers(150, 230, size=(6, 6, 3)).astype(np.uint8)
    coarse[2:4, 2:4] = rng.integers(20, 60 + 40 * number, size=(2, 2, 3))
    image = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    mode = ("RGB", "L", "RGBA", "P", "I;16", "RGB")[n % 6]
    if mode == "I;16":
        grey = np.asarray(image.convert("L")).astype(np.uint16) * 257
        return Image.fromarray(grey), ".png"
    if mode == "RGBA":
        image.putalpha(Image.linear_gradient("L").resize(image.size))
        return image, ".PNG"
    if mode == "P":
        return image.quantize(64), ".png"
    return image.convert(mode), (".jpg", ".JPEG")[n % 2]
