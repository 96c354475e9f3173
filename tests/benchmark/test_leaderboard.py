from __future__ import annotations

import pytest

from imbalance_derm.benchmark.leaderboard import leaderboard
from imbalance_derm.errors import InputError
from imbalance_derm.experiment.record import Figure

HAM = {
    "name": "ham10000",
    "classes": ["mel", "nv", "vasc"],
    "positive": "",
    "counts": {"test": {"nv": 909, "mel": 171, "vasc": 35}},
}
MULTI = {
    "balanced_accuracy": Figure(0.70, 0.66, 0.74),
    "auc": Figure(0.95, 0.94, 0.96),
    "accuracy": Figure(0.75, 0.73, 0.77),
    "f1": Figure(0.62, 0.58, 0.66),
}


def auc(value: float) -> dict[str, Figure]:
    return {"auc": Figure(value, value - 0.05, value + 0.05), "brier": Figure(1 - value)}


def test_data_sets_are_never_in_one_ranking(runs, make_record):
    folder = runs(
        make_record("a"),
        make_record("h", data=HAM, metrics=MULTI),
        make_record("p", data={"name": "phantom", "notice": "Not clinical evidence."}),
    )
    boards = leaderboard([folder])
    assert [board.data for board in boards] == ["ham10000", "isic2016", "phantom"]
    for board in boards:
        assert {row.data for row in board.rows} == {board.data}
    ham, isic, phantom = boards
    assert ham.metric == "balanced_accuracy"
    assert isic.metric == phantom.metric == "auc"
    assert {row.status for row in isic.rows} == {"measured here", "as printed", "recovered"}
    assert {row.status for row in ham.rows} == {"measured here", "as printed"}
    assert {row.status for row in phantom.rows} == {"measured here"}
    assert "Not clinical evidence." in phantom.notes


def test_two_versions_of_a_data_set_are_two_rankings(runs, make_record):
    phantom = {"name": "phantom"}
    folder = runs(
        make_record("a", data={**phantom, "fingerprint": "a" * 12}),
        make_record("b", data={**phantom, "fingerprint": "b" * 12}),
    )
    boards = leaderboard([folder])
    titles = [board.title for board in boards]
    assert titles == ["phantom (data aaaaaaaa)", "phantom (data bbbbbbbb)"]
    assert [len(board.rows) for board in boards] == [1, 1]


def test_rows_are_ranked_and_a_recovered_row_stays_below_its_printed_one(runs, make_record):
    folder = runs(
        make_record("low", metrics=auc(0.70), parts={"loss": "ce"}),
        make_record("high", metrics=auc(0.90)),
        make_record("none", metrics={"auc": Figure(float("nan"))}, parts={"loss": "weighted_ce"}),
    )
    (board,) = leaderboard([folder])
    values = [row.metrics["auc"].value for row in board.rows if row.status != "recovered"]
    assert values[:-1] == sorted(values[:-1], reverse=True)
    assert board.rows[0].runs[0].folder.endswith("high")
    assert board.rows[-1].runs[0].folder.endswith("none")
    for place, row in enumerate(board.rows):
        if row.status == "recovered":
            above = board.rows[place - 1]
            assert (above.status, above.method) == ("as printed", row.method)
    by_brier = leaderboard([folder], "brier")[0]
    measured = [row.runs[0].folder[-4:] for row in by_brier.rows if "brier" in row.metrics]
    assert measured == ["high", "/low"]


def test_ranking_by_sensitivity_uses_recovered_figures_not_the_papers_column(runs, make_record):
    (board,) = leaderboard([runs(make_record("a"))], "sensitivity")
    methods = [row.method for row in board.rows if row.status != "recovered"]
    # 70.7 % recovered, 64.2 % measured, then the printed 54.7, 50.7 and 42.7 %.
    assert methods[:5] == [
        "MelaNet",
        "cyclegan + focal",
        "Yu et al., with segmentation",
        "Gutman et al. (challenge winner)",
        "Yu et al., without segmentation",
    ]
    assert methods[-1] == "VGG-GAP"
    assert board.columns[0] == "sensitivity"


def test_labels_tell_rows_apart(runs, make_record):
    folder = runs(
        make_record("a"),
        make_record("b", parts={"head": "body_site_mtl"}),
        make_record("c", settings={"loss": {"gamma": 1.0}}),
        make_record("d", seed=5),
    )
    (board,) = leaderboard([folder])
    labels = {run.name: row.method for row in board.rows for run in row.runs}
    assert labels["b"] == "cyclegan + focal + body_site_mtl"
    assert labels["a"] == labels["d"] == "cyclegan + focal + single_task (loss.gamma=None)"
    assert labels["c"] == "cyclegan + focal + single_task (loss.gamma=1.0)"
    (both,) = (row for row in board.rows if len(row.runs) > 1)
    assert both.seeds == (0, 5)


def test_notes_give_the_share_of_the_official_test_set(runs, make_record):
    part = " ".join(leaderboard([runs(make_record("a"))])[0].notes)
    assert "339 of MelaNet's 379 test images (89%: 272 of 304 benign, 67 of 75 malignant)" in part
    assert "†" in part
    assert "800 optimiser updates" in part


def test_the_whole_official_test_set_is_recognised(runs, make_record):
    counts = {"test": {"benign": 304, "malignant": 75}}
    notes = leaderboard([runs(make_record("a", data={"counts": counts}))])[0].notes
    assert any("as many test images, class by class" in note for note in notes)


def test_unequal_budgets_are_pointed_out(runs, make_record):
    folder = runs(make_record("a"), make_record("b", updates=1600, parts={"loss": "ce"}))
    notes = " ".join(leaderboard([folder])[0].notes)
    assert "Not at equal budget: the rows measured here had 800 to 1,600" in notes


def test_an_unknown_metric_names_the_nearest(runs, make_record):
    with pytest.raises(InputError, match="did you mean 'specificity'"):
        leaderboard([runs(make_record("a"))], "specifity")


def test_a_metric_that_one_data_set_lacks_leaves_its_ranking_alone(runs, make_record):
    folder = runs(make_record("a"), make_record("h", data=HAM, metrics=MULTI))
    ham, isic = leaderboard([folder], "npv")
    assert (ham.metric, isic.metric) == ("balanced_accuracy", "npv")
    assert "No row here has npv." in ham.notes


def test_no_record_and_no_path_are_input_errors(tmp_path):
    with pytest.raises(InputError, match="no run record below"):
        leaderboard([tmp_path])
    with pytest.raises(InputError, match="does not exist"):
        leaderboard([tmp_path / "gone"])


def test_other_published_folders_can_be_given(runs, make_record, tmp_path):
    empty = tmp_path / "none"
    empty.mkdir()
    (board,) = leaderboard([runs(make_record("a"))], published=empty)
    assert [row.status for row in board.rows] == ["measured here"]
