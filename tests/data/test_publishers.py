"""The publishers' layouts: labels, sites, lesions, and what is wrong with a broken copy."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from imbalance_derm.data.checks import check_table
from imbalance_derm.data.sources.ham10000 import Ham10000
from imbalance_derm.data.sources.isic2016 import Isic2016
from imbalance_derm.data.store import decode, open_images
from imbalance_derm.errors import InputError

TRAINING = "isic2016/ISBI2016_ISIC_Part3_Training_GroundTruth.csv"


def test_isic2016_labels_and_official_split(isic2016_root: Path) -> None:
    table = Isic2016().table(isic2016_root)
    assert table["image"].is_unique
    train, test = table[table["split"] == "train"], table[table["split"] == "test"]
    assert train["label"].value_counts().to_dict() == {"benign": 6, "malignant": 4}
    assert test["label"].tolist() == ["benign", "malignant", "benign", "malignant"]
    assert all(Path(source).is_file() for source in table["source"])
    assert table["site"].isna().all()


def test_isic2016_says_which_share_of_it_is_there(isic2016_root: Path) -> None:
    dataset = Isic2016()
    dataset.table(isic2016_root)
    assert "10 of the official 900 training" in dataset.notice
    assert "4 of the official 379 test" in dataset.notice


def test_isic2016_unknown_label_names_file_and_line(isic2016_root: Path) -> None:
    path = isic2016_root / TRAINING
    path.write_text(path.read_text().replace("ISIC_0000002,benign", "ISIC_0000002,benin"))
    with pytest.raises(InputError, match=r"Training_GroundTruth.csv, line 3: label 'benin'"):
        Isic2016().table(isic2016_root)


@pytest.mark.parametrize("dataset", [Isic2016(), Ham10000()])
def test_wrong_root_says_what_data_root_is(dataset: Isic2016 | Ham10000, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no folder .* --data-root is the folder that holds"):
        dataset.table(tmp_path)


def test_missing_ground_truth_is_named(isic2016_root: Path) -> None:
    (isic2016_root / TRAINING).unlink()
    with pytest.raises(InputError, match=r"no file .*Training_GroundTruth.csv"):
        Isic2016().table(isic2016_root)


def test_image_without_row_is_unlabelled(isic2016_root: Path) -> None:
    path = isic2016_root / TRAINING
    path.write_text(path.read_text().replace("ISIC_0000004,benign\n", ""))
    table = Isic2016().table(isic2016_root)
    assert table.loc[table["label"].isna(), "image"].tolist() == ["ISIC_0000004"]
    with pytest.raises(InputError, match=r"ISIC_0000004.jpg: has no label; .*--skip-bad-images"):
        check_table(Isic2016(), table, skip_bad=False)


def test_ham10000_finds_images_in_both_folders(ham10000_root: Path) -> None:
    table = Ham10000().table(ham10000_root)
    train = table[table["split"] == "train"]
    assert len(train) == 12
    assert all(Path(source).is_file() for source in table["source"])
    assert {Path(source).parent.name[-1] for source in train["source"]} == {"1", "2"}
    assert train["lesion"].nunique() == 8


def test_ham10000_unknown_site_is_missing_and_isic2018_has_none(ham10000_root: Path) -> None:
    table = Ham10000().table(ham10000_root)
    train = table[table["split"] == "train"]
    assert set(train["site"].dropna()) == {"back", "face", "scalp"}
    assert train["site"].isna().sum() == 3
    assert table.loc[table["split"] == "test", "site"].isna().all()


def test_isic2018_one_hot_labels_are_lower_case(ham10000_root: Path) -> None:
    table = Ham10000().table(ham10000_root)
    assert table.loc[table["split"] == "test", "label"].tolist() == ["nv", "mel", "bkl"]


def test_isic2018_two_marks_in_a_row_are_an_error(ham10000_root: Path) -> None:
    path = ham10000_root / "isic2018_test" / "ISIC2018_Task3_Test_GroundTruth.csv"
    path.write_text(path.read_text().replace("ISIC_0000051,1.0,0.0", "ISIC_0000051,1.0,1.0"))
    with pytest.raises(InputError, match=r"line 3: image 'ISIC_0000051' has two classes"):
        Ham10000().table(ham10000_root)


def test_ham10000_can_be_tested_on_itself(ham10000_root: Path) -> None:
    table = Ham10000(test_set="drawn").table(ham10000_root)
    assert len(table) == 12
    assert table["split"].isna().all()


def test_metadata_without_column_names_it(ham10000_root: Path) -> None:
    path = ham10000_root / "ham10000" / "HAM10000_metadata.csv"
    path.write_text(path.read_text().replace("localization", "localisation"))
    with pytest.raises(InputError, match=r"'localization'; did you mean 'localisation'\?"):
        Ham10000().table(ham10000_root)


def test_real_isic2016_as_its_readme_counts_it(data_root: Path) -> None:
    dataset = Isic2016()
    checked = check_table(dataset, dataset.table(data_root), skip_bad=False)
    counts = checked.table.groupby(["split", "label"]).size().to_dict()
    assert counts == {
        ("test", "benign"): 272,
        ("test", "malignant"): 67,
        ("train", "benign"): 650,
        ("train", "malignant"): 156,
    }
    assert checked.skipped == []
    assert "806 of the official 900" in dataset.notice


def test_real_ham10000_as_its_readme_counts_it(data_root: Path, tmp_path: Path) -> None:
    dataset = Ham10000()
    checked = check_table(dataset, dataset.table(data_root), skip_bad=False)
    train = checked.table[checked.table["split"] == "train"]
    test = checked.table[checked.table["split"] == "test"]
    names = ["nv", "mel", "bkl", "bcc", "akiec", "vasc", "df"]
    expected = [6705, 1113, 1099, 514, 327, 142, 115]
    assert [(train["label"] == name).sum() for name in names] == expected
    expected = [909, 171, 217, 93, 43, 35, 44]
    assert [(test["label"] == name).sum() for name in names] == expected
    assert train["lesion"].nunique() == 7470
    assert train["site"].isna().sum() == 234
    assert train["site"].nunique() == 14
    assert dataset.notice == ""
    some = pd.concat([train, test]).iloc[::800]
    assert decode(dataset, list(some["source"]), 64, tmp_path).kept == list(range(len(some)))
    assert open_images(tmp_path).std() > 10


def test_real_ham10000_masks_cover_their_lesions(data_root: Path) -> None:
    dataset = Ham10000()
    table = dataset.table(data_root)
    source = table.loc[0, "source"]
    mask = dataset.mask(source)
    assert mask is not None
    assert mask.shape == (450, 600)
    assert mask.dtype == bool
    grey = dataset.read(source).convert("L").resize((600, 450))  # type: ignore[union-attr]
    pixels = pd.Series(list(grey.tobytes()))
    # Lesions are darker than the skin around them.
    assert pixels[mask.ravel()].mean() < pixels[~mask.ravel()].mean() - 5
    assert dataset.mask(table.loc[len(table) - 1, "source"]) is None
