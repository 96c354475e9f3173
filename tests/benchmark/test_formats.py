from __future__ import annotations

import csv
import io
import json

import pytest
from rich.console import Console

from imbalance_derm.benchmark.csv_format import to_csv
from imbalance_derm.benchmark.json_format import to_json
from imbalance_derm.benchmark.leaderboard import leaderboard
from imbalance_derm.benchmark.markdown import to_markdown
from imbalance_derm.benchmark.terminal import to_table
from imbalance_derm.benchmark.words import metric_text
from imbalance_derm.report.summary import title_of


@pytest.fixture
def boards(runs, make_record):
    return leaderboard(
        [
            runs(
                make_record("a"),
                make_record("b", parts={"loss": "ce"}, seed=3),
                make_record("p", data={"name": "phantom", "notice": "Not clinical evidence."}),
            )
        ]
    )


def test_json_holds_every_row_in_full_precision(boards):
    plain_boards = json.loads(to_json(boards))
    assert [b["title"] for b in plain_boards] == [b.title for b in boards]
    rows = [row for board in plain_boards for row in board["rows"]]
    flat = [(board, row) for board in boards for row in board.rows]
    assert len(rows) == len(flat)
    for plain, (board, row) in zip(rows, flat, strict=True):
        assert (plain["data"], plain["status"]) == (board.data, row.status)
        assert plain["method"] == row.method
        assert set(plain["metrics"]) == set(row.metrics)
        for name, figure in row.metrics.items():
            got = plain["metrics"][name]
            assert got["low"] == figure.low
            assert got["value"] == (None if figure.value != figure.value else figure.value)
    printed = next(r for r in rows if r["method"] == "MelaNet" and r["status"] == "as printed")
    assert printed["printed"]["npv"] == {"column": "Sensitivity", "text": "91.76", "unit": "%"}
    assert any("negative predictive value" in text for text in printed["caveats"])


def test_csv_reads_back_to_the_same_figures(boards):
    rows = list(csv.DictReader(io.StringIO(to_csv(boards))))
    flat = [row for board in boards for row in board.rows]
    assert len(rows) == len(flat)
    for text, row in zip(rows, flat, strict=True):
        assert text["status"] == row.status
        for name in ("auc", "sensitivity", "npv"):
            figure = row.metrics.get(name)
            for end in ("value", "low", "high"):
                cell = text[name if end == "value" else f"{name}_{end}"]
                expected = None if figure is None else getattr(figure, end)
                assert (float(cell) if cell else None) == expected
    melanet = next(r for r in rows if r["method"] == "MelaNet" and r["status"] == "as printed")
    assert melanet["npv_printed_as"] == "Sensitivity"
    assert melanet["sensitivity"] == ""


def test_markdown_has_a_whole_table_for_each_data_set(boards):
    text = to_markdown(boards)
    for board in boards:
        start = text.index(f"## {board.title}")
        table = text[start:].split("\n\n")[1].splitlines()
        columns = {line.count("|") for line in table}
        assert len(columns) == 1
        assert len(table) == 2 + len(board.rows)
    assert "0.778 [0.712, 0.841]" in text
    assert "| MelaNet |  | as printed [1] | 0.8118 |  |  | 0.9176† |" in text
    assert "Not clinical evidence." in text


def test_markdown_survives_pipes_and_line_breaks(runs, make_record):
    hostile = make_record("x", parts={"synth": "a|b\nc <script>"}, data={"name": "x|y"})
    table = to_markdown(leaderboard([runs(hostile)]))
    row = next(line for line in table.splitlines() if "measured here" in line)
    assert "a\\|b c &lt;script>" in row
    assert len(row.replace("\\|", "").split("|")) == len(table.splitlines()[2].split("|"))


def test_a_printed_figure_keeps_the_papers_decimals(boards):
    isic = next(board for board in boards if board.data == "isic2016")
    gutman = next(row for row in isic.rows if row.method.startswith("Gutman"))
    assert metric_text(gutman, "sensitivity") == "0.5070"
    assert metric_text(gutman, "npv") == ""


def shown(board, width: int) -> str:
    stream = io.StringIO()
    Console(file=stream, width=width, highlight=False).print(to_table(board, width))
    return stream.getvalue()


@pytest.mark.parametrize("width", range(46, 206, 3))
def test_the_table_fits_and_breaks_no_figure(boards, width):
    isic = next(board for board in boards if board.data == "isic2016")
    text = shown(isic, width)
    assert max(map(len, text.splitlines())) <= width
    assert "\x1b" not in text
    table, _, rest = text.partition("[1] Zunair")
    assert rest
    left_out = " ".join(table.partition("No room for")[2].split())
    for metric in isic.columns:
        if title_of(metric) in left_out:
            assert metric != isic.metric
            continue
        assert title_of(metric).split()[-1] in table
        for row in isic.rows:
            if metric in row.metrics:
                parts = metric_text(row, metric).replace("[", "").replace("]", "").split()
                whole = " ".join(metric_text(row, metric).split())
                stacked = "–".join(part.rstrip(",").removeprefix("0") for part in parts[1:])
                assert whole in table or (parts[0] in table and stacked in table)


def test_a_wide_terminal_shows_all_in_one_line(boards):
    isic = next(board for board in boards if board.data == "isic2016")
    text = shown(isic, 200)
    assert "0.778 [0.712, 0.841]" in text
    assert "as printed [1]" in text
    assert "No room" not in text


def test_the_order_of_lines_is_the_ranking(boards):
    isic = next(board for board in boards if board.data == "isic2016")
    text = shown(isic, 200)
    places = [
        text.index(f"{row.method:<30}"[:30]) for row in isic.rows if row.status != "recovered"
    ]
    assert places == sorted(places)
