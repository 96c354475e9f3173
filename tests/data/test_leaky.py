"""Test images validate where a data set says that it leaks, and nowhere else."""

from __future__ import annotations

import pandas as pd
import pytest

from imbalance_derm.data.lesions import lesion_table
from imbalance_derm.data.sources.isic2016 import Isic2016
from imbalance_derm.data.splits import partition
from imbalance_derm.errors import InputError
from imbalance_derm.registry.manager import installed

LEAKY = "The test images validate."


def table(*splits: str | None) -> pd.DataFrame:
    rows = [
        (f"{split}{i}", label, split)
        for split in splits
        for i, label in enumerate(("benign", "malignant", "benign", "malignant"))
    ]
    return lesion_table(pd.DataFrame(rows, columns=["image", "label", "split"]))


@pytest.mark.parametrize("splits", [("train", "test"), (None, "test")])
def test_the_test_rows_validate_and_all_others_train(splits):
    parts = partition(table(*splits), 0.25, 0.25, 0, LEAKY)
    assert parts.validation["image"].tolist() == parts.test["image"].tolist()
    assert set(parts.validation["split"]) == {"validation"}
    assert set(parts.test["split"]) == {"test"}
    assert len(parts.train) == 4
    assert set(parts.train["image"]).isdisjoint(parts.test["image"])


def test_a_test_part_that_is_drawn_validates_too():
    rows = pd.DataFrame({"image": [f"i{i}" for i in range(40)], "label": ["a", "b"] * 20})
    parts = partition(lesion_table(rows), 0.25, 0.25, 0, LEAKY)
    assert parts.validation["image"].tolist() == parts.test["image"].tolist()
    assert (len(parts.train), len(parts.test)) == (30, 10)


def test_the_same_rows_share_nothing_without_the_word():
    parts = partition(table("train", "test"), 0.25, 0.25, 0)
    names = [set(part["image"]) for part in (parts.train, parts.validation, parts.test)]
    assert len(set.union(*names)) == sum(map(len, names)) == 8


def test_validation_rows_of_its_own_are_refused():
    with pytest.raises(InputError, match="a leaky data set validates on its test rows"):
        partition(table("train", "validation", "test"), 0.25, 0.25, 0, LEAKY)


def test_a_test_set_without_a_class_cannot_validate():
    rows = table("train", "test")
    rows = rows[(rows["split"] == "train") | (rows["label"] == "benign")]
    with pytest.raises(InputError, match="'malignant' is in train but not in validation"):
        partition(rows, 0.25, 0.25, 0, LEAKY)


def test_no_data_set_leaks_unless_it_is_asked_to():
    for name in installed().names("dataset"):
        assert installed().get("dataset", name).load()().leaky == "", name
    leaky = Isic2016(validate_on="test").leaky
    assert "test images are the validation images" in leaky
    assert "\n" not in leaky
