"""The record survives its file, and a file that is none is named."""

from __future__ import annotations

import json
import math

import pytest

from imbalance_derm.errors import InputError
from imbalance_derm.experiment.record import Figure, Record, StageEntry, find_records

RECORD = Record(
    name="r", command="imbderm run", spec={"seed": 1}, components={}, data={"name": "phantom"},
    metrics={"test": {"auc": Figure(0.8, 0.7, 0.9), "npv": Figure(math.nan)}}, confusion={},
    decision={}, stages=[StageEntry("train", "k", True, 1.0, 2.0, 0, {"steps": 3})], curves={},
    environment={}, seed=1, seconds=2.0, created="2026-01-01T00:00:00+00:00",
)  # fmt: skip


def test_round_trip_with_nan_as_null():
    text = RECORD.to_json()
    assert json.loads(text)["metrics"]["test"]["npv"]["value"] is None
    again = Record.from_json(text)
    assert again.metrics["test"]["auc"] == Figure(0.8, 0.7, 0.9)
    assert math.isnan(again.metrics["test"]["npv"].value)
    assert again.stages == RECORD.stages


def test_records_are_found_below_a_folder_in_order(tmp_path):
    for name in ("b", "a/deep"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "record.json").write_text(RECORD.to_json())
    found = [folder.relative_to(tmp_path).as_posix() for folder, _ in find_records([tmp_path])]
    assert found == ["a/deep", "b"]
    assert len(find_records([tmp_path, tmp_path / "b"])) == 2


@pytest.mark.parametrize("text", ["{}", "[]", "no json", '{"format": 99}'])
def test_what_is_no_record_is_named(tmp_path, text):
    (tmp_path / "record.json").write_text(text)
    with pytest.raises(InputError, match=r"record\.json"):
        find_records([tmp_path])
    with pytest.raises(InputError, match="does not exist"):
        find_records([tmp_path / "nowhere"])
