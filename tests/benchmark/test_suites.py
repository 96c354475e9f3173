"""Of a suite's folder the runs that the suite has count; its axes hold for it alone."""

from __future__ import annotations

import json

import pytest

from imbalance_derm.benchmark.bundle import write_bundle
from imbalance_derm.benchmark.leaderboard import leaderboard

AXES = {"synth": ["none", "cyclegan"], "loss": ["ce", "focal"], "head": ["single_task"]}
LDAM = {"synth": "none", "loss": "ldam", "head": "single_task"}


@pytest.fixture
def stale(suite):
    """A suite that lost one run that was made, and one that failed."""
    suite.grid(AXES, (0, 1))
    suite.run(LDAM, 0)
    suite.fail(LDAM, 1, "failed", "train", "no memory")
    suite.axes = {name: own for name, own in suite.axes.items() if "ldam" not in name}
    return suite.close()


@pytest.mark.parametrize("above", [False, True])
def test_runs_that_the_suite_no_longer_has_are_left_out_and_named(stale, above):
    (board,) = leaderboard([stale.parent if above else stale])
    assert len(board.rows) == 4
    assert not any("ldam" in row.method for row in board.rows)
    assert board.failures == ()
    (note,) = (note for note in board.notes if "not of the suite" in note)
    assert note.endswith("left out: none-ldam-single_task-s0.")


def test_runs_beside_a_suite_count(stale, make_record, runs):
    (phantom,) = leaderboard([stale, runs(make_record("own", data={"name": "phantom"}))])
    assert "own" in {run.name for row in phantom.rows for run in row.runs}


def test_a_bundle_holds_what_the_ranking_counts(stale, tmp_path):
    for run in (stale / "runs").iterdir():
        (run / "spec.toml").write_text("")
    (stale / "runs" / "none-ldam-single_task-s0" / "predictions.csv").unlink()
    assert write_bundle([stale], tmp_path / "out.zip") == 8


def test_rows_of_two_suites_are_compared_by_their_parts(suite, tmp_path):
    suite.grid(AXES, (0, 1))
    other = type(suite)(tmp_path / "other")
    for run in (suite.close() / "runs").iterdir():
        values = {axis: own for axis, own in suite.axes[run.name].items() if axis != "seed"}
        seed = json.loads((run / "record.json").read_text())["seed"]
        # One value of an axis, and yet another method: what it stands for is the suite's.
        other.run(values, seed, settings={"head": {"dropout": 0.5}})
    (board,) = leaderboard([suite.folder, other.close()])
    assert len(board.rows) == 8
    pairs = {(e.axis, e.value, e.against): (e.pairs, e.unpaired) for e in board.effects}
    assert pairs == {("synth", "cyclegan", "none"): (4, 0), ("loss", "focal", "ce"): (4, 0)}


def test_what_a_suite_says_of_itself_stands_below_its_ranking_and_no_other(
    stale, make_record, runs
):
    said = json.loads((stale / "suite.json").read_text())
    remarks = {"name": "some", "summary": "Two losses", "remarks": ["The rate is not the paper's."]}
    (stale / "suite.json").write_text(json.dumps(said | remarks))
    own = runs(make_record("own", parts={"data": "ward"}))
    by_data = {board.data: board.notes for board in leaderboard([stale, own])}
    ward = by_data.pop("ward")
    (ours,) = by_data.values()
    assert ours[:2] == ("Suite some: Two losses", "The rate is not the paper's.")
    assert not set(ours[:2]) & set(ward)
