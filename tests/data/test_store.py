"""The image store: what is in it, bad files, disk and memory."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageOps

from imbalance_derm.data import store
from imbalance_derm.data.contract import Dataset
from imbalance_derm.data.lesions import lesion_table
from imbalance_derm.data.sources.folder import Folder
from imbalance_derm.data.store import (
    class_names,
    decode,
    lesion_set,
    open_images,
    site_names,
)
from imbalance_derm.errors import InputError, RunError

Save = Callable[[Path, int], Path]


@pytest.fixture
def sources(tmp_path: Path, save: Save) -> list[str]:
    """More images than one chunk holds, jpg and png in turn."""
    names = (f"{i:03d}.{('jpg', 'png')[i % 2]}" for i in range(70))
    return [str(save(tmp_path / "in" / name, i)) for i, name in enumerate(names)]


def reference(source: str, size: int) -> np.ndarray:
    with Image.open(source) as image:
        return np.asarray(ImageOps.fit(image, (size, size), Image.Resampling.LANCZOS))


def test_every_image_is_stored_in_order(tmp_path: Path, sources: list[str]) -> None:
    steps: list[tuple[int, int]] = []
    decoded = decode(Folder(), sources, 16, tmp_path, lambda *step: steps.append(step))
    images = open_images(tmp_path)
    assert decoded.kept == list(range(70))
    assert decoded.skipped == []
    assert steps == [(64, 70), (70, 70)]
    assert isinstance(images, np.memmap)
    assert not images.flags.writeable
    np.testing.assert_array_equal(images, np.stack([reference(s, 16) for s in sources]))


def break_files(sources: list[str]) -> None:
    whole = Path(sources[10]).read_bytes()
    Path(sources[10]).write_bytes(whole[: len(whole) // 2])
    Path(sources[11]).write_text("no image at all")
    Path(sources[66]).write_bytes(b"")


def test_bad_files_are_named(tmp_path: Path, sources: list[str]) -> None:
    break_files(sources)
    with pytest.raises(InputError) as raised:
        decode(Folder(), sources, 16, tmp_path)
    text = str(raised.value)
    assert text.startswith(f"{sources[10]}: cannot be decoded (")
    assert "and 2 more" in text
    assert "--skip-bad-images" in text
    assert "\n" not in text
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_bad_files_are_skipped_and_counted(tmp_path: Path, sources: list[str]) -> None:
    break_files(sources)
    decoded = decode(Folder(), sources, 16, tmp_path, skip_bad=True)
    assert decoded.kept == [i for i in range(70) if i not in (10, 11, 66)]
    assert [line.split(":")[0] for line in decoded.skipped] == [sources[i] for i in (10, 11, 66)]
    expected = np.stack([reference(sources[i], 16) for i in decoded.kept])
    np.testing.assert_array_equal(open_images(tmp_path), expected)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["images.npy"]


def test_no_image_left(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("no image")
    with pytest.raises(InputError, match="none of the 1 images can be decoded"):
        decode(Folder(), [str(tmp_path / "a.jpg")], 16, tmp_path, skip_bad=True)


def test_full_disk_leaves_nothing_behind(
    tmp_path: Path, sources: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: object, count: int, size: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store, "_header", full)
    with pytest.raises(RunError, match="No space left on device"):
        decode(Folder(), sources, 16, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


class Noise(Dataset):
    """As many images as one likes, from nothing."""

    def table(self, root: Path | None) -> pd.DataFrame:
        raise NotImplementedError

    def read(self, source: str, at_least: int = 0) -> np.ndarray:
        return np.random.default_rng(int(source)).integers(0, 256, (96, 96, 3), dtype=np.uint8)


def anonymous_memory() -> int:
    """Bytes that belong to this process alone, not to a mapped file."""
    status = Path("/proc/self/status")
    found = re.search(r"RssAnon:\s+(\d+) kB", status.read_text()) if status.is_file() else None
    if not found:
        pytest.skip("this system does not tell the anonymous memory of a process")
    return int(found[1]) * 1024


def test_anonymous_memory_does_not_grow_with_the_images(tmp_path: Path) -> None:
    def grown(count: int) -> int:
        peak, before = 0, anonymous_memory()

        def watch(done: int, total: int) -> None:
            nonlocal peak
            peak = max(peak, anonymous_memory() - before)

        decode(Noise(), [str(i) for i in range(count)], 96, tmp_path, watch)
        total = sum(
            int(chunk.sum()) for chunk in np.array_split(open_images(tmp_path), count // 64)
        )
        assert total > 0
        return max(peak, anonymous_memory() - before)

    grown(128)  # threads, buffers and imports are paid for once
    image = 96 * 96 * 3
    assert grown(3072) < 800 * image


def test_class_order() -> None:
    def names(labels: str, positive: str = "") -> tuple[str, ...]:
        return class_names(pd.DataFrame({"label": list(labels)}), positive)

    assert names("cabbc") == ("a", "b", "c")
    assert names("abb") == ("b", "a")
    assert names("aab") == ("a", "b")
    assert names("ab") == ("a", "b")
    assert names("aab", "a") == ("b", "a")
    assert names("abc", "a") == ("a", "b", "c")
    with pytest.raises(InputError, match="'mell' does not occur; did you mean 'mel'"):
        class_names(pd.DataFrame({"label": ["mel", "nv"]}), "mell")


def test_lesion_set_aligns_rows() -> None:
    table = lesion_table(
        pd.DataFrame(
            {
                "image": ["x", "y", "z"],
                "label": ["nv", "mel", "nv"],
                "site": ["back", None, "moon"],
                "lesion": ["L", "L", None],
            }
        )
    )
    train = table[table["site"] != "moon"]
    assert site_names(train) == ("back",)
    images = np.zeros((3, 4, 4, 3), np.uint8)
    lesions = lesion_set(table, images, ("nv", "mel"), site_names(train))
    assert lesions.samples is images
    assert lesions.labels.tolist() == [0, 1, 0]
    assert lesions.sites.tolist() == [0, -1, -1]
    assert lesions.lesion_ids.tolist() == ["L", "L", "z"]
    assert lesions.class_counts.tolist() == [2, 1]
    with pytest.raises(ValueError, match="3 rows but 2 images"):
        lesion_set(table, images[:2], ("nv", "mel"), ())
    with pytest.raises(ValueError, match="mel"):
        lesion_set(table, images, ("nv", "bkl"), ())
