"""What may compete on validation, and what it is then compared with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from imbalance_derm.benchmark.leaderboard import leaderboard
from imbalance_derm.experiment.record import Figure
from imbalance_derm.suite.grid import grid as cells_of
from imbalance_derm.suite.suite import read_suite

SUITES = Path(__file__).resolve().parents[2] / "benchmarks" / "suites"
LDAM = {"synth": "none", "loss": "ldam", "head": "single_task"}


@pytest.fixture
def validated(make_record):
    """Return a record without predictions that has a figure on validation."""

    def make(loss, value, images=None, *, name="", **changes):
        data = {"name": "phantom", "leaky": changes.pop("leaky", "")}
        parts = {"synth": "none", "loss": loss, **changes.pop("parts", {})}
        record = make_record(name or loss, parts=parts, data=data, **changes)
        if images is not None:
            record.data["counts"]["validation"] = {"benign": images, "malignant": images}
        metrics = {**record.metrics, "validation": {"auc": Figure(value)}}
        return replace(record, metrics=metrics)

    return make


def chosen(board):
    return [row.method for row in board.rows if row.chosen]


def test_a_row_that_was_validated_on_other_images_does_not_compete(suite):
    axes = {"synth": ["none"], "loss": ["ce", "focal"], "head": ["single_task"]}
    suite.merits.update({"focal": 1.0, "ldam": 9.0})
    suite.grid(axes, (0, 1))
    for seed in (0, 1):
        # As many images of each class and the same figures, but not the same images.
        file = suite.run(LDAM, seed) / "predictions.csv"
        file.write_text(file.read_text().replace("validation-", "elsewhere-"))
    (board,) = leaderboard([suite.close()])
    assert board.rows[0].method == "none + ldam"
    assert chosen(board) == ["none + focal"]
    assert "Not in the choice (other validation images): none + ldam." in board.findings


def test_a_leaky_row_that_was_validated_elsewhere_is_named(suite):
    axes = {"synth": ["none"], "loss": ["ce", "focal"], "head": ["single_task"]}
    suite.grid(axes, (0,))
    file = suite.run(LDAM, 0, lambda r: replace(r, data={**r.data, "leaky": "so"}))
    file /= "predictions.csv"
    file.write_text(file.read_text().replace("validation-", "test-"))
    (board,) = leaderboard([suite.close()])
    assert "Not in the choice (other validation images): none + ldam." in board.findings


def test_without_predictions_counts_and_seeds_must_be_equal(runs, validated):
    folder = runs(
        validated("ce", 0.6),
        validated("focal", 0.7),
        validated("ldam", 0.9, images=30),
        validated("cb_focal", 0.8, seed=5),
    )
    (board,) = leaderboard([folder])
    assert chosen(board) == ["none + focal"]
    assert "Not in the choice (other validation images): none + ldam." in board.findings
    assert "Not in the choice (other seeds): none + cb_focal." in board.findings


def test_where_no_two_rows_are_alike_there_is_no_choice(runs, validated):
    (board,) = leaderboard([runs(validated("ce", 0.6), validated("focal", 0.7, images=30))])
    assert chosen(board) == []
    assert any(text.startswith("No choice on validation: ") for text in board.findings)


def test_what_all_rows_share_belongs_to_the_baseline(runs, validated):
    folder = runs(
        validated("focal", 0.6, name="a", parts={"head": "body_site_mtl"}),
        validated("focal", 0.7, name="b", parts={"head": "body_site_mtl", "synth": "smote"}),
    )
    (board,) = leaderboard([folder])
    assert board.findings[0].endswith("cannot be paired with the baseline, none + focal.")


def test_without_a_baseline_it_is_said_what_it_would_be(runs, validated):
    folder = runs(
        validated("focal", 0.6, name="a", parts={"synth": "cyclegan"}),
        validated("focal", 0.7, name="b", parts={"synth": "smote"}),
    )
    (board,) = leaderboard([folder])
    assert "There is no baseline here (none + focal + single_task) to" in board.findings[0]


def test_the_baseline_of_papers_a_table_is_the_papers(suite, validated):
    cells = cells_of(read_suite(SUITES / "melanet_cpu.toml"), {})
    values = {
        "lite0_gap": 0.6, "lite0_augment_5x": 0.7, "lite0_augment_10x": 0.7, "lite0_melanet": 0.8,
    }  # fmt: skip
    for cell in cells:
        record = validated("ce", values[cell.axes["method"]], name=cell.name)
        spec = cell.spec.model_dump(mode="json")
        parts = {s: {"name": own["name"]} for s, own in spec.items() if s in record.components}
        leaky = "so" if cell.axes["protocol"] == "as_published" else ""
        record = replace(
            record,
            spec=spec,
            seed=cell.spec.seed,
            components={s: {**record.components[s], **own} for s, own in parts.items()},
            data={**record.data, "leaky": leaky},
        )
        suite.axes[cell.name] = cell.axes
        folder = suite.folder / "runs" / cell.name
        folder.mkdir(parents=True)
        (folder / "record.json").write_text(record.to_json())
    (board,) = leaderboard([suite.close()])
    (row,) = (row for row in board.rows if row.chosen)
    assert row.axes == {"method": "lite0_melanet", "protocol": "honest"}
    (baseline,) = (
        row for row in board.rows if row.axes == {"method": "lite0_gap", "protocol": "honest"}
    )
    assert board.findings[0].endswith(f"cannot be paired with the baseline, {baseline.method}.")
