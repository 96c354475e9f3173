"""Runs that differ in their seed only are one row."""

from __future__ import annotations

from dataclasses import replace

import pytest

from imbalance_derm.benchmark.leaderboard import leaderboard
from imbalance_derm.experiment.record import Figure


def measured(board):
    return [row for row in board.rows if row.runs]


def test_seeds_of_one_method_are_one_row_and_another_setting_is_another_row(runs, make_record):
    folder = runs(
        make_record("a0", seed=0, metrics={"auc": Figure(0.7, 0.6, 0.8)}),
        make_record("a1", seed=1, metrics={"auc": Figure(0.8, 0.7, 0.9)}),
        make_record("b0", seed=0, settings={"loss": {"gamma": 1.0}}),
    )
    (board,) = leaderboard([folder])
    rows = {tuple(run.name for run in row.runs): row for row in measured(board)}
    assert set(rows) == {("a0", "a1"), ("b0",)}
    both, alone = rows["a0", "a1"], rows[("b0",)]
    assert both.seeds == (0, 1)
    # No predictions: the mean of the records, and no interval that would cover the lesions only.
    assert both.metrics["auc"] == Figure(pytest.approx(0.75), None, None)
    assert alone.metrics["auc"] == Figure(0.7781, 0.7121, 0.8409)
    assert both.confusion == [[426, 118], [48, 86]]
    notes = " ".join(board.notes)
    assert "Rows of one seed" in notes
    assert "Without interval (1 of the rows of several seeds)" in notes


def test_where_a_run_was_made_makes_no_other_method(runs, make_record):
    first, second = make_record("a"), make_record("b", seed=1)
    for record, place in ((first, "x"), (second, "y")):
        record.spec["train"] |= {"threads": len(place), "device": place, "checkpoint_seconds": 1}
        record.spec["data"]["root"] = place
        record.spec["preset"] = place
        record.spec["evaluation"] = {"resamples": 100 + ord(place), "criterion": "youden"}
        record.spec["audit"] = {"images": ord(place)}
    (board,) = leaderboard([runs(first, second)])
    (row,) = measured(board)
    assert row.seeds == (0, 1)


def test_other_training_data_make_another_row_and_no_repeat(runs, make_record):
    def of(name, fingerprint, **more):
        return make_record(name, data={"test_set": "t" * 8, "fingerprint": fingerprint}, **more)

    folder = runs(of("a0", "a" * 32), of("a1", "a" * 32, seed=1), of("b0", "b" * 32))
    (board,) = leaderboard([folder])  # one ranking: the test images are the same
    rows = {tuple(run.name for run in row.runs): row for row in measured(board)}
    assert set(rows) == {("a0", "a1"), ("b0",)}
    assert rows["a0", "a1"].key != rows[("b0",)].key
    assert {row.method for row in rows.values()} == {
        "cyclegan + focal (splits aaaaaaaa)",
        "cyclegan + focal (splits bbbbbbbb)",
    }
    assert not any("repeat" in note for note in board.notes)


def test_records_that_name_no_training_data_are_told_apart_by_their_settings(runs, make_record):
    records = [make_record(name, data={"test_set": "t"}, seed=n) for n, name in enumerate("ab")]
    for record in records:
        del record.data["fingerprint"]
    (board,) = leaderboard([runs(*records)])
    assert [row.seeds for row in measured(board)] == [(0, 1)]


def test_what_changes_the_decision_makes_another_method(runs, make_record):
    first, second = make_record("a"), make_record("b", seed=1)
    first.spec["evaluation"] = {"criterion": "youden"}
    second.spec["evaluation"] = {"criterion": "argmax"}
    (board,) = leaderboard([runs(first, second)])
    assert {row.method for row in measured(board)} == {
        "cyclegan + focal (evaluation.criterion=youden)",
        "cyclegan + focal (evaluation.criterion=argmax)",
    }


def test_of_two_runs_of_one_seed_the_newer_counts_and_the_other_is_named(runs, make_record):
    old = make_record("old", metrics={"auc": Figure(0.9)})
    new = replace(make_record("new"), created="2025-06-01T00:00:00+00:00")
    (board,) = leaderboard([runs(old, new)])
    (row,) = measured(board)
    assert [run.name for run in row.runs] == ["new"]
    assert row.metrics["auc"].value == 0.7781
    assert any("left out: old." in note for note in board.notes)


def test_rows_with_three_unlike_settings_and_more_still_read_differently(runs, make_record):
    settings = [{"a": 1, "b": 1, "c": 1, "d": 1}, {"a": 1, "b": 1, "c": 1, "d": 2}]
    settings += [{"a": 2, "b": 2, "c": 2, "d": 3}, {"a": 2, "b": 2, "c": 2, "d": 4}]
    records = [make_record(f"r{n}", settings={"loss": own}) for n, own in enumerate(settings)]
    (board,) = leaderboard([runs(*records)])
    assert len({row.method for row in measured(board)}) == 4


def test_runs_of_unequal_length_show_the_range_of_updates(runs, make_record):
    first, second = make_record("a"), make_record("b", seed=1)
    second.data["updates"] = 600
    (board,) = leaderboard([runs(first, second)])
    (row,) = measured(board)
    assert row.updates == (600, 800)
