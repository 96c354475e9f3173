"""Runs that gave no record stand below the ranking, with the reason, in every format."""

from __future__ import annotations

import csv
import io
import json

import pytest
from rich.console import Console

from imbalance_derm.benchmark.csv_format import to_csv
from imbalance_derm.benchmark.json_format import to_json
from imbalance_derm.benchmark.latex import to_latex
from imbalance_derm.benchmark.leaderboard import leaderboard
from imbalance_derm.benchmark.markdown import to_markdown
from imbalance_derm.benchmark.terminal import to_table

CE = {"synth": "smote", "loss": "ce", "head": "single_task"}
CENTER = {"synth": "smote", "loss": "center", "head": "single_task"}


@pytest.fixture
def boards(suite):
    suite.run(CE, 0)
    suite.fail(CE, 1, "timed out", "train", "more than 60 s")
    for seed in (0, 1):
        suite.fail(CENTER, seed, "refused", "", "no features | of <mixed> rows")
    return leaderboard([suite.close()])


def test_failures_are_grouped_and_called_like_the_rows(boards):
    (board,) = boards
    (row,) = board.rows
    timed, refused = board.failures
    assert timed.method == row.method == "smote + ce"
    assert (timed.seeds, timed.text) == ((1,), "timed out at train: more than 60 s")
    assert refused.method == "smote + center"
    assert (refused.seeds, refused.text) == ((0, 1), "refused: no features | of <mixed> rows")


def test_a_failure_that_a_record_makes_up_for_is_not_told(suite):
    done = suite.run(CE, 0)
    suite.fail(CE, 1, "failed", "train", "no memory")
    (done / "failure.json").write_text(
        (suite.folder / "runs" / "smote-ce-single_task-s1" / "failure.json")
        .read_text()
        .replace('"seed": 1', '"seed": 0')
        .replace("no memory", "an older try")
    )
    (board,) = leaderboard([suite.close()])
    assert [(cell.seeds, cell.reason) for cell in board.failures] == [((1,), "no memory")]


def test_every_format_has_them(boards):
    page = io.StringIO()
    Console(file=page, width=120).print(to_table(boards[0], 120))
    for text in (page.getvalue(), to_markdown(boards), to_latex(boards)):
        assert "smote + ce (seed 1): timed out at train: more than 60 s" in text
    (board,) = json.loads(to_json(boards))
    assert [cell["status"] for cell in board["failures"]] == ["timed out", "refused"]
    lines = list(csv.DictReader(io.StringIO(to_csv(boards))))
    assert [line["status"] for line in lines] == ["measured here", "timed out", "refused"]
    assert lines[2]["reason"] == "refused: no features | of <mixed> rows"
    assert lines[2]["seeds"] == "0 1"


def test_where_nothing_was_finished_the_reasons_are_all_there_is(suite):
    suite.fail(CE, 0, "failed", "fit", "no images")
    (board,) = leaderboard([suite.close()])
    assert board.rows == ()
    assert [cell.text for cell in board.failures] == ["failed at fit: no images"]
    for write in (to_markdown, to_json, to_csv, to_latex):
        assert "no images" in write([board])
