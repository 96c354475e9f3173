"""What lies in a suite's folder from before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imbalance_derm.errors import InputError
from imbalance_derm.experiment.failure import FAILURE_FILE, Failure
from imbalance_derm.experiment.record import RECORD_FILE
from imbalance_derm.suite.folder import claim, describe, lay_out
from imbalance_derm.suite.grid import grid
from imbalance_derm.suite.layout import KEY_FILE, SUPERSEDED
from imbalance_derm.suite.plan import Plan, plan
from imbalance_derm.suite.suite import Suite


def some_suite(**fields) -> Suite:
    return Suite(**{"name": "some", "preset": "smoke", **fields})


def planned(suite: Suite, tmp_path: Path) -> Plan:
    return plan(suite, grid(suite, {}), tmp_path / "out", tmp_path / "cache", "")


def finish(found: Plan, key: str | None = None) -> Path:
    """Leave a record of the only run, made with what `key` stands for."""
    (last,) = [task for task in found.tasks.values() if task.run]
    last.run_folder.mkdir(parents=True, exist_ok=True)
    (last.run_folder / RECORD_FILE).write_text("{}")
    (last.run_folder / KEY_FILE).write_text(key or last.key)
    return last.run_folder


def test_a_record_of_other_code_counts_for_nothing_once_the_run_is_to_be_made_anew(tmp_path):
    found = planned(some_suite(), tmp_path)
    folder = finish(found, key="of yesterday's code")
    lay_out(found, tmp_path / "out")
    assert not (folder / RECORD_FILE).exists()
    assert not (folder / KEY_FILE).exists()
    assert (folder / SUPERSEDED).read_text() == "{}"


def test_a_record_that_another_driver_finished_after_the_plan_stays(tmp_path):
    found = planned(some_suite(), tmp_path)
    folder = finish(found)
    lay_out(found, tmp_path / "out")
    assert (folder / RECORD_FILE).read_text() == "{}"


def test_a_run_that_is_excluded_after_it_was_made_is_told_with_the_reason(tmp_path):
    folder = finish(planned(some_suite(axes={"loss": ["focal"]}), tmp_path))
    why = {"loss": "focal", "reason": "known from before"}
    more = some_suite(axes={"loss": ["ce", "focal"]}, exclude=[why])
    lay_out(planned(more, tmp_path), tmp_path / "out")
    assert not (folder / RECORD_FILE).exists()
    failure = Failure(**json.loads((folder / FAILURE_FILE).read_text()))
    assert (failure.status, failure.reason) == ("refused", "known from before")


def test_a_folder_belongs_to_one_suite(tmp_path):
    suite = some_suite()
    claim(tmp_path / "out", suite)
    describe(suite, grid(suite, {}), tmp_path / "out")
    claim(tmp_path / "out", suite)
    with pytest.raises(InputError, match="holds suite some, this is other; give another --out"):
        claim(tmp_path / "out", some_suite(name="other"))
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cannot write suites to .*give --out"):
        claim(tmp_path / "file", suite)
