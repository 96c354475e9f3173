"""Faults of the table: each is named, or skipped and counted."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from imbalance_derm.data.checks import check_table, digests
from imbalance_derm.data.lesions import lesion_table
from imbalance_derm.data.sources.folder import Folder
from imbalance_derm.errors import InputError


@pytest.fixture
def table(tmp_path: Path, save: Callable[[Path, int], Path]) -> pd.DataFrame:
    """Six sound images of two classes, each a lesion of its own."""
    rows = [(f"{i}", "ab"[i % 2], str(save(tmp_path / f"{i}.jpg", i))) for i in range(6)]
    return lesion_table(pd.DataFrame(rows, columns=["image", "label", "source"]))


def test_sound_table_is_returned_whole_with_sha256(table: pd.DataFrame) -> None:
    checked = check_table(Folder(), table, skip_bad=False)
    pd.testing.assert_frame_equal(checked.table, table)
    expected = [hashlib.sha256(Path(s).read_bytes()).hexdigest() for s in table["source"]]
    assert checked.digests == expected == digests(Folder(), table["source"])


def test_missing_unlabelled_and_identical_files(table: pd.DataFrame) -> None:
    Path(table["source"][1]).unlink()
    table.loc[2, "label"] = None
    shutil.copy(table["source"][3], table["source"][5])
    with pytest.raises(InputError, match=r"1.jpg: no such file \(and 2 more like it\)") as raised:
        check_table(Folder(), table, skip_bad=False)
    assert "--skip-bad-images" in str(raised.value)
    checked = check_table(Folder(), table, skip_bad=True)
    assert checked.table["image"].tolist() == ["0", "3", "4"]
    assert len(checked.digests) == 3
    reasons = ["no such file", "has no label", f"same file as {table['source'][3]}"]
    rows = [table["source"][i] for i in (1, 2, 5)]
    assert checked.skipped == [f"{s}: {r}" for s, r in zip(rows, reasons, strict=True)]


def test_identical_photographs_of_one_lesion_are_no_fault(table: pd.DataFrame) -> None:
    shutil.copy(table["source"][3], table["source"][5])
    table.loc[[3, 5], "lesion"] = "L"
    assert len(check_table(Folder(), table, skip_bad=False).table) == 6


def test_one_image_under_two_labels_spoils_every_copy(table: pd.DataFrame) -> None:
    shutil.copy(table["source"][3], table["source"][4])
    table.loc[[3, 4], "lesion"] = "L"
    message = r"3.jpg: same file under two labels, a and b: see .*4.jpg"
    with pytest.raises(InputError, match=message):
        check_table(Folder(), table, skip_bad=False)
    assert check_table(Folder(), table, skip_bad=True).table["image"].tolist() == list("0125")


def test_image_id_given_twice(table: pd.DataFrame) -> None:
    table.loc[2, "image"] = "0"
    with pytest.raises(InputError, match=r"2.jpg: same image id as .*0.jpg"):
        check_table(Folder(), table, skip_bad=False)
    table.loc[2, "label"] = "b"
    with pytest.raises(InputError, match=r"0.jpg: same image id under two labels, a and b"):
        check_table(Folder(), table, skip_bad=False)
    assert check_table(Folder(), table, skip_bad=True).table["image"].tolist() == list("1345")


def test_nothing_left(table: pd.DataFrame) -> None:
    table["label"] = None
    with pytest.raises(InputError, match="none of the 6 images can be used"):
        check_table(Folder(), table, skip_bad=True)
