"""Publishers' layouts in miniature."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def _pixels(seed: int, height: int = 24, width: int = 32) -> np.ndarray:
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))


def _save(path: Path, seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(_pixels(seed)).save(path)
    return path


@pytest.fixture
def pixels() -> Callable[..., np.ndarray]:
    """``pixels(seed, height, width)`` makes a picture that no other seed gives."""
    return _pixels


@pytest.fixture
def save() -> Callable[[Path, int], Path]:
    """``save(path, seed)`` writes a small picture."""
    return _save


@pytest.fixture
def isic2016_root(tmp_path: Path) -> Path:
    """Ten training and four test images."""
    folder = tmp_path / "isic2016"
    stem = "ISBI2016_ISIC_Part3_"
    train = [(f"ISIC_{i:07d}", "malignant" if i % 3 == 0 else "benign") for i in range(10)]
    test = [(f"ISIC_{i:07d}", "1.0" if i % 2 else "0.0") for i in range(100, 104)]
    for name, rows in (("Training", train), ("Test", test)):
        for image, _ in rows:
            _save(folder / f"{stem}{name}_Data" / f"{image}.jpg", int(image[5:]))
        text = "".join(f"{image},{label}\n" for image, label in rows)
        (folder / f"{stem}{name}_GroundTruth.csv").write_text(text)
    return tmp_path


@pytest.fixture
def ham10000_root(tmp_path: Path) -> Path:
    """Twelve images of eight lesions in two folders, and three test images."""
    folder = tmp_path / "ham10000"
    lines = ["lesion_id,image_id,dx,dx_type,age,sex,localization"]
    for i in range(12):
        dx = ("nv", "mel", "bkl", "nv")[i % 4]
        site = ("back", "unknown", "face", "scalp")[i % 4]
        lines.append(f"HAM_{i % 8:07d},ISIC_{i:07d},{dx},histo,50.0,male,{site}")
        part = f"HAM10000_images_part_{1 + i % 2}"
        _save(folder / part / f"ISIC_{i:07d}.jpg", i)
    (folder / "HAM10000_metadata.csv").write_text("\n".join(lines) + "\n")
    test = tmp_path / "isic2018_test"
    lines = ["image,MEL,NV,BCC,AKIEC,BKL,DF,VASC"]
    for i, marks in enumerate(("0.0,1.0,0.0", "1.0,0.0,0.0", "0.0,0.0,0.0")):
        lines.append(f"ISIC_{i + 50:07d},{marks},0.0,{float(i == 2)},0.0,0.0")
        _save(test / "ISIC2018_Task3_Test_Input" / f"ISIC_{i + 50:07d}.jpg", i + 50)
    (test / "ISIC2018_Task3_Test_GroundTruth.csv").write_text("\n".join(lines) + "\n")
    return tmp_path
