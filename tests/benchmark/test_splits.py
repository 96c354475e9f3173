"""Re-drawn splits of one data set: the corrected t by hand, and where nothing is said."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console
from scipy.stats import t
from statsmodels.stats.multitest import multipletests

from imbalance_derm.benchmark.json_format import to_json
from imbalance_derm.benchmark.latex import to_latex
from imbalance_derm.benchmark.leaderboard import leaderboard
from imbalance_derm.benchmark.markdown import to_markdown
from imbalance_derm.benchmark.site import write_site
from imbalance_derm.benchmark.terminal import to_table
from imbalance_derm.experiment.record import Figure

AUCS = {"ce": [0.70, 0.74, 0.69, 0.72], "focal": [0.75, 0.76, 0.70, 0.78], "ldam": [0.69] * 4}
TRAIN, TEST = 552 + 133, 272 + 67


def records(make_record, splits, test_set="test{}", **more):
    made = []
    for split in range(splits):
        for loss, aucs in AUCS.items():
            record = make_record(
                f"{loss}-{split}",
                parts={"data": "clinic", "synth": "none", "loss": loss},
                data={"fingerprint": f"all{split}", "test_set": test_set.format(split), **more},
                metrics={"auc": Figure(aucs[split])},
            )
            record.spec["data"]["split_seed"] = split
            made.append(record)
    return made


def by_hand(ours, theirs):
    apart = np.array(ours) - np.array(theirs)
    error = np.sqrt((1 / len(apart) + TEST / TRAIN) * apart.var(ddof=1))
    freedom = len(apart) - 1
    reach = t.ppf(0.975, freedom)
    p = 2 * t.sf(abs(apart.mean()) / error, freedom)
    detectable = (reach + t.ppf(0.8, freedom)) * error
    of_two = (t.ppf(1 - 0.05 / (2 * 2), freedom) + t.ppf(0.8, freedom)) * error
    ends = apart.mean() - reach * error, apart.mean() + reach * error
    return apart.mean(), *ends, p, detectable, of_two


def test_each_method_is_compared_with_the_baseline_over_the_splits(runs, make_record):
    boards = leaderboard([runs(*records(make_record, 4))])
    found = boards[0].splits
    assert all(board.splits == found for board in boards)
    assert (found.metric, found.baseline) == ("auc", "none + ce")
    by_name = {each.method: each for each in found.methods}
    assert list(by_name) == ["none + focal", "none + ldam"]  # the largest difference first
    expected = {loss: by_hand(AUCS[loss], AUCS["ce"]) for loss in ("focal", "ldam")}
    adjusted = multipletests([own[3] for own in expected.values()], method="holm")[1]
    for (loss, own), p in zip(expected.items(), adjusted, strict=True):
        said = by_name[f"none + {loss}"]
        figure = said.compared.difference
        got = (
            figure.value,
            figure.low,
            figure.high,
            said.compared.p_value,
            said.compared.detectable,
            said.detectable,
        )
        assert got == pytest.approx(own)
        assert (said.splits, said.adjusted) == (4, pytest.approx(p))


@pytest.mark.parametrize("write", [to_markdown, to_latex, lambda boards: text_of(boards[0])])
def test_every_format_has_the_table(runs, make_record, write):
    text = write(leaderboard([runs(*records(make_record, 4))]))
    mean, low, high, *_, of_two = by_hand(AUCS["focal"], AUCS["ce"])
    assert "minus that of the baseline, none + ce, over re-drawn splits" in " ".join(text.split())
    assert f"{mean:+.3f} [{low:.3f}, {high:.3f}]" in text
    assert f"{of_two:.3f}" in text


def test_the_table_as_json(runs, make_record):
    found = json.loads(to_json(leaderboard([runs(*records(make_record, 4))])))[0]["over_splits"]
    mean, low, high, p, detectable, of_two = by_hand(AUCS["focal"], AUCS["ce"])
    first = found["methods"][0]
    assert (found["metric"], found["baseline"]) == ("auc", "none + ce")
    assert (first["method"], first["splits"]) == ("none + focal", 4)
    assert first["difference"] == pytest.approx({"value": mean, "low": low, "high": high})
    assert (first["p"], first["detectable"]) == pytest.approx((p, detectable))
    assert first["detectable_in_family"] == pytest.approx(of_two)


def test_the_table_in_a_browser_for_the_data_set_that_has_splits(
    browser, runs, make_record, tmp_path
):
    other = make_record("other", parts={"data": "ward"}, data={"test_set": "w"})
    boards = leaderboard([runs(*records(make_record, 3), other)])
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(write_site(boards, tmp_path / "site").as_uri())
    lines = page.locator("#splits-table tbody tr")
    assert lines.locator("th").all_inner_texts() == ["none + focal", "none + ldam"]
    cells = lines.first.locator("td").all_inner_texts()
    mean, *_, of_two = by_hand(AUCS["focal"][:3], AUCS["ce"][:3])
    assert cells[0].startswith(f"{mean:+.3f}")
    assert cells[2:] == ["3", f"{of_two:.3f}"]
    page.get_by_label("Data set").select_option(label="ward")
    assert page.locator("#splits").is_hidden()
    page.close()
    assert faults == []


def text_of(board):
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(to_table(board, 200))
    return console.export_text()


def test_one_board_a_split_and_another_data_set_has_its_own(runs, make_record):
    other = make_record("other", parts={"data": "ward"}, data={"test_set": "w"})
    boards = leaderboard([runs(*records(make_record, 3), other)])
    assert [board.data for board in boards] == ["clinic"] * 3 + ["ward"]
    assert boards[0].splits is not None
    assert boards[-1].splits is None


def splits_of(boards):
    return {board.splits for board in boards}


@pytest.mark.parametrize(
    "given",
    [
        {"splits": 2},
        # Given test images: the training sets are re-drawn, what they are tested on is not.
        {"splits": 4, "test_set": "official"},
        {"splits": 4, "leaky": "the test images validated"},
    ],
)
def test_nothing_is_said_where_that_is_no_evidence(runs, make_record, given):
    assert splits_of(leaderboard([runs(*records(make_record, **given))])) == {None}


def test_two_versions_of_the_data_are_not_two_splits(runs, make_record):
    made = records(make_record, 4)
    for number, record in enumerate(made):
        made[number] = replace(record, spec={**record.spec, "data": {"name": "clinic"}})
    assert splits_of(leaderboard([runs(*made)])) == {None}
