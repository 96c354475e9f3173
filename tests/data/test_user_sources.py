"""The user's own folder or csv file."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from imbalance_derm.data.checks import check_table
from imbalance_derm.data.sources.csv import Csv
from imbalance_derm.data.sources.folder import Folder
from imbalance_derm.errors import InputError

Save = Callable[[Path, int], Path]


def test_class_folders(tmp_path: Path, save: Save) -> None:
    save(tmp_path / "nv" / "a.jpg", 1)
    save(tmp_path / "nv" / "deeper" / "b.PNG", 2)
    save(tmp_path / "mélanome" / "ü ñ.jpg", 3)
    save(tmp_path / "nv" / ".hidden.jpg", 4)
    save(tmp_path / ".cache" / "c.jpg", 5)
    (tmp_path / "nv" / "notes.txt").write_text("no image")
    table = Folder().table(tmp_path)
    assert dict(zip(table["image"], table["label"], strict=True)) == {
        "mélanome/ü ñ.jpg": "mélanome",
        "nv/a.jpg": "nv",
        "nv/deeper/b.PNG": "nv",
    }
    assert table["split"].isna().all()
    assert table["lesion"].is_unique
    assert check_table(Folder(), table, skip_bad=False).skipped == []


def test_split_folders(tmp_path: Path, save: Save) -> None:
    for i, split in enumerate(("train", "val", "test")):
        save(tmp_path / split / "a" / "1.jpg", 2 * i)
        save(tmp_path / split / "b" / "1.jpg", 2 * i + 1)
    table = Folder().table(tmp_path)
    assert table["image"].is_unique
    assert table["split"].value_counts().to_dict() == {"train": 2, "validation": 2, "test": 2}
    assert table["label"].value_counts().to_dict() == {"a": 3, "b": 3}


def test_class_called_test_is_a_class_where_nothing_is_called_train(
    tmp_path: Path, save: Save
) -> None:
    save(tmp_path / "test" / "1.jpg", 1)
    save(tmp_path / "control" / "1.jpg", 2)
    assert set(Folder().table(tmp_path)["label"]) == {"test", "control"}


def test_folder_beside_train_that_is_no_split(tmp_path: Path, save: Save) -> None:
    save(tmp_path / "train" / "a" / "1.jpg", 1)
    save(tmp_path / "tset" / "a" / "1.jpg", 2)
    with pytest.raises(InputError, match=r"tset .* is no split; did you mean 'test'"):
        Folder().table(tmp_path)


def test_empty_class_folder(tmp_path: Path, save: Save) -> None:
    save(tmp_path / "a" / "1.jpg", 1)
    (tmp_path / "b").mkdir()
    with pytest.raises(InputError, match=r"class folder .*b has no image"):
        Folder().table(tmp_path)


def test_image_outside_the_class_folders_is_unlabelled(tmp_path: Path, save: Save) -> None:
    save(tmp_path / "a" / "1.jpg", 1)
    save(tmp_path / "2.jpg", 2)
    table = Folder().table(tmp_path)
    assert table.loc[table["label"].isna(), "image"].tolist() == ["2.jpg"]


@pytest.mark.parametrize("make", [lambda p: p / "nothing", lambda p: p])
def test_no_images_at_all(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    with pytest.raises(InputError, match="sub-folder"):
        Folder().table(make(tmp_path))


def test_csv_with_every_column_mapped(tmp_path: Path, save: Save) -> None:
    save(tmp_path / "pictures" / "één.jpg", 1)
    save(tmp_path / "pictures" / "sub" / "two.png", 2)
    save(tmp_path / "pictures" / "three.v2.JPG", 3)
    path = tmp_path / "list.csv"
    path.write_text(
        "\ufefffile;dx;where;les;pat;part\n"
        "één;mel;back;L1;P1;training\n"
        "sub/two.png;nv;unknown;L2;P1;VAL\n"
        "three.v2;nv;;;;\n",
        encoding="utf-8",
    )
    table = Csv(
        image_column="file", label_column="dx", site_column="where", lesion_column="les",
        patient_column="pat", split_column="part", image_root="pictures",
    ).table(path)  # fmt: skip
    assert [Path(source).name for source in table["source"]] == [
        "één.jpg",
        "two.png",
        "three.v2.JPG",
    ]
    assert all(Path(source).is_file() for source in table["source"])
    assert table["site"].tolist() == ["back", None, None]
    assert table["lesion"].tolist() == ["L1", "L2", "three.v2"]
    assert table["patient"].tolist() == ["P1", "P1", None]
    assert table["split"].tolist() == ["train", "validation", None]


def test_csv_name_in_other_unicode_form_is_found(tmp_path: Path, save: Save) -> None:
    file = save(tmp_path / unicodedata.normalize("NFD", "nævüs é.jpg"), 1)
    path = tmp_path / "list.csv"
    name = unicodedata.normalize("NFC", "nævüs é")
    path.write_text(f"image,label\n{name},nv\n", encoding="utf-8")
    assert Path(Csv().table(path).loc[0, "source"]) == file


def test_csv_keeps_a_class_that_pandas_takes_for_missing(tmp_path: Path, save: Save) -> None:
    save(tmp_path / "a.jpg", 1)
    (tmp_path / "list.csv").write_text("image,label\na.jpg,None\n")
    assert Csv().table(tmp_path / "list.csv")["label"].tolist() == ["None"]


def test_csv_missing_column_names_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("image,diagnosis\na.jpg,nv\n")
    with pytest.raises(InputError, match=r"list.csv has no column 'diagnossis'.*'diagnosis'"):
        Csv(label_column="diagnossis").table(path)
    with pytest.raises(InputError, match=r"no column 'label'; choices: diagnosis, image"):
        Csv().table(path)


def test_csv_ambiguous_name(tmp_path: Path, save: Save) -> None:
    save(tmp_path / "a.jpg", 1)
    save(tmp_path / "a.png", 2)
    (tmp_path / "list.csv").write_text("image,label\na,nv\n")
    with pytest.raises(InputError, match=r"image 'a' could be a.jpg and a.png"):
        Csv().table(tmp_path / "list.csv")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("image,label\n,nv\n", r"row 1: column 'image' is empty"),
        ("image,label\n", "has no rows"),
        ("", "cannot be read as a csv file"),
    ],
)
def test_csv_malformed(tmp_path: Path, text: str, match: str) -> None:
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(InputError, match=match):
        Csv().table(tmp_path / "list.csv")


def test_csv_unknown_split(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("image,label,split\na,nv,train\nb,nv,tran\n")
    with pytest.raises(InputError, match=r"row 2: split 'tran' is unknown; did you mean 'train'"):
        Csv(split_column="split").table(tmp_path / "list.csv")


def test_csv_that_is_an_image_or_is_not_there(tmp_path: Path, save: Save) -> None:
    with pytest.raises(InputError, match="cannot be read as a csv file"):
        Csv().table(save(tmp_path / "a.jpg", 1))
    with pytest.raises(InputError, match="no file"):
        Csv().table(tmp_path / "list.csv")
