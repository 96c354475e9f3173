"""The statistics of a ranking against the same done by hand, from the predictions."""

from __future__ import annotations

import csv
import io
import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from scipy.stats import norm, t
from sklearn.metrics import roc_auc_score
from statsmodels.stats.multitest import multipletests

from imbalance_derm.benchmark.csv_format import to_csv
from imbalance_derm.benchmark.json_format import to_json
from imbalance_derm.benchmark.latex import to_latex
from imbalance_derm.benchmark.leaderboard import leaderboard
from imbalance_derm.benchmark.markdown import to_markdown
from imbalance_derm.benchmark.side_tables import effects_title, side_tables
from imbalance_derm.benchmark.site import write_site
from imbalance_derm.benchmark.site_data import BoardData
from imbalance_derm.benchmark.terminal import to_table
from imbalance_derm.evaluation.best_set import best_set
from imbalance_derm.evaluation.decision import Decision
from imbalance_derm.evaluation.delong import delong
from imbalance_derm.evaluation.holm import holm
from imbalance_derm.evaluation.mcnemar import mcnemar
from imbalance_derm.evaluation.over_seeds import (
    contrasts_over_seeds,
    mean_over_seeds,
    paired_over_seeds,
)
from imbalance_derm.experiment.record import Figure, find_records
from imbalance_derm.pipeline.judgement import read_predictions, write_predictions

AXES = {"synth": ["none", "cyclegan"], "loss": ["ce", "focal"], "head": ["single_task"]}
MERITS = {"cyclegan": 0.5, "focal": 3.0}
SEEDS = (0, 1, 2)
PAIRS = {
    ("synth", "cyclegan", "none"): [
        ("cyclegan + ce", "none + ce"),
        ("cyclegan + focal", "none + focal"),
    ],
    ("loss", "focal", "ce"): [
        ("none + focal", "none + ce"),
        ("cyclegan + focal", "cyclegan + ce"),
    ],
}


@pytest.fixture
def grid(suite):
    """Two synthesizers by two losses by three seeds; focal is better by far."""
    suite.merits.update(MERITS)
    return suite.grid(AXES, SEEDS)


def rows_of(folder, **more):
    (board,) = leaderboard([folder], **more)
    return board, {row.method: row for row in board.rows}


def by_hand(folder):
    """Predictions on the test images and decisions by method, read from the files."""
    found: dict[str, tuple[list, list]] = {}
    for run, record in find_records([folder]):
        name = " + ".join(record.components[part]["name"] for part in ("synth", "loss"))
        said = read_predictions(run / "predictions.csv", ("benign", "malignant"))["test"]
        pair = found.setdefault(name, ([], []))
        pair[0].append(said)
        pair[1].append(Decision(**record.decision))
    return found


def validation_auc(folder, method):
    values = []
    for run in folder.glob(f"runs/{method.replace(' + ', '-')}-*"):
        table = pd.read_csv(run / "predictions.csv").query("split == 'validation'")
        values.append(roc_auc_score(table.truth == "malignant", table.malignant))
    return np.mean(values)


def test_a_row_is_the_mean_over_seeds_with_its_interval(grid):
    folder = grid.close()
    _, rows = rows_of(folder)
    for name, (said, decisions) in by_hand(folder).items():
        aucs = [roc_auc_score(each.labels, each.probabilities[:, 1]) for each in said]
        figure = rows[name].metrics["auc"]
        assert figure.value == pytest.approx(np.mean(aucs))
        expected = mean_over_seeds(said, decisions, ["auc"])["auc"]
        assert (figure.low, figure.high) == pytest.approx((expected.low, expected.high))


def test_the_best_set_is_that_of_the_predictions(grid):
    folder = grid.close()
    board, rows = rows_of(folder)
    expected = best_set(by_hand(folder), "auc")
    assert {name for name, row in rows.items() if row.best} == set(expected.best)
    assert "none + ce" not in expected.best
    for name, standing in expected.standings.items():
        assert rows[name].standing.adjusted == pytest.approx(standing.adjusted)
    assert f"Marked best: {len(expected.best)} of 4 methods" in board.findings[1]
    assert "Holm over 6 pairs" in board.findings[1]


def test_the_choice_is_made_on_validation_and_compared_with_the_baseline(grid):
    folder = grid.close()
    board, rows = rows_of(folder)
    found = by_hand(folder)
    best = max(found, key=lambda name: validation_auc(folder, f"{name} + single_task"))
    assert [name for name, row in rows.items() if row.chosen] == [best]
    pair = paired_over_seeds(*found[best], *found["none + ce"], ["auc"])["auc"]
    assert board.findings[0].startswith(f"Chosen on validation: {best} (highest mean AUC there: ")
    assert f"{abs(pair.difference.value):.3f} [" in board.findings[0]
    assert f"{pair.detectable:.3f}" in board.findings[0]


def test_tests_of_two_fixed_models_are_against_the_tops_model_of_the_same_seed(grid):
    folder = grid.close()
    board, rows = rows_of(folder)
    found, top = by_hand(folder), board.rows[0].method
    weak = rows["none + ce"]
    assert [tests.seed for tests in weak.tests] == [0, 1, 2]
    for place, tests in enumerate(weak.tests):
        assert tests.delong == delong(found["none + ce"][0][place], found[top][0][place])
    assert rows[top].tests == ()


def test_tests_by_seed_are_one_family_over_all_methods_and_seeds(grid, browser, tmp_path):
    folder = grid.close()
    board, rows = rows_of(folder)
    found, top = by_hand(folder), board.rows[0].method
    others = [name for name in found if name != top]
    cases = [(name, place) for name in others for place in range(len(SEEDS))]
    areas = [delong(found[name][0][n], found[top][0][n]) for name, n in cases]
    decided = [
        mcnemar(found[name][0][n], found[name][1][n], found[top][0][n], found[top][1][n])
        for name, n in cases
    ]
    by_areas = multipletests([each.p_value for each in areas], method="holm")[1]
    by_decisions = multipletests([each.mid_p for each in decided], method="holm")[1]
    data = json.loads(to_json([board]))[0]["rows"]
    by_seed = {row["method"]: row["against_top"]["by_seed"] for row in data if row["against_top"]}
    reach = norm.ppf(1 - 0.05 / (2 * 9)) + norm.ppf(0.8)
    for (name, n), ranked, p, counted, mid_p in zip(
        cases, areas, by_areas, decided, by_decisions, strict=True
    ):
        tests = rows[name].tests[n]
        assert (tests.delong_adjusted, tests.mcnemar_adjusted) == pytest.approx((p, mid_p))
        said = by_seed[name][n]
        assert said["delong"]["p_holm"] == pytest.approx(p)
        assert said["delong"]["detectable"] == pytest.approx(ranked.detectable)
        sees = reach * ranked.standard_error
        assert said["delong"]["detectable_in_family"] == pytest.approx(sees)
        assert said["mcnemar"]["mid_p_holm"] == pytest.approx(mid_p)
        assert said["mcnemar"]["least_told_in_family"] == counted.least_told(9)
    page = browser.new_page()
    page.goto(write_site([board], tmp_path / "site").as_uri())
    page.get_by_role("button", name="none + ce", exact=True).click()
    cells = page.locator("#tests tbody tr").nth(1).locator("th, td").all_inner_texts()
    place = cases.index(("none + ce", 1))
    assert len(cells) == page.locator("#tests thead th").count()
    assert cells[3:5] == [shown(by_areas[place]), f"{reach * areas[place].standard_error:.3f}"]
    discordant = decided[place].only_first + decided[place].only_second
    told = decided[place].least_told(9)
    assert cells[7:] == [shown(by_decisions[place]), f"{told} : {discordant - told}"]
    assert "Holm's adjustment is over 9 tests of a kind" in page.inner_text("#row")
    page.close()


def shown(p):
    return "<0.001" if p < 0.001 else f"{p:.3f}"


@pytest.mark.parametrize("with_suite", [True, False])
def test_effects_are_those_of_the_axes_adjusted_over_all(grid, with_suite):
    folder = grid.close()
    if not with_suite:
        (folder / "suite.json").unlink()
    board, _ = rows_of(folder)
    methods = by_hand(folder)
    found = {(e.axis, e.value, e.against): e for e in board.effects}
    assert set(found) == set(PAIRS)
    for compared, pairs in PAIRS.items():
        aucs = {name: [roc_auc_score(p.labels, p.probabilities[:, 1]) for p in said]
                for name, (said, _) in methods.items()}  # fmt: skip
        apart = [np.mean(aucs[ours]) - np.mean(aucs[theirs]) for ours, theirs in pairs]
        weights = {name: w for pair in pairs for name, w in zip(pair, (0.5, -0.5), strict=True)}
        contrast = contrasts_over_seeds(methods, {"effect": weights}, ["auc"])["effect"]["auc"]
        effect = found[compared]
        assert effect.comparison.difference.value == pytest.approx(np.mean(apart))
        assert effect.comparison.difference.low == pytest.approx(contrast.difference.low)
        assert (effect.smallest, effect.largest) == pytest.approx((min(apart), max(apart)))
        assert (effect.pairs, effect.unpaired) == (2, 0)
    p = [effect.p_value for effect in board.effects]
    assert [effect.adjusted for effect in board.effects] == pytest.approx(holm(p).tolist())


def test_what_would_have_been_seen_is_of_the_family_in_every_format(grid, browser, tmp_path):
    """The standard errors are those of a contrast by itself; the family has two effects."""
    folder = grid.close()
    board, _ = rows_of(folder)
    methods, seen = by_hand(folder), {}
    for compared, pairs in PAIRS.items():
        weights = {name: w for pair in pairs for name, w in zip(pair, (0.5, -0.5), strict=True)}
        found = contrasts_over_seeds(methods, {"effect": weights}, ["auc"])["effect"]["auc"]
        error = np.hypot(found.lesion_error, found.seed_error)
        known = t(found.freedom or np.inf)
        seen[compared] = (known.ppf(1 - 0.05 / 4) + known.ppf(0.8)) * error
        assert seen[compared] > found.detectable
    data = json.loads(to_json([board]))[0]
    got = {(e["axis"], e["value"], e["against"]): e for e in data["effects"]}
    assert {key: e["detectable_in_family"] for key, e in got.items()} == pytest.approx(seen)
    wide = io.StringIO()
    Console(file=wide, width=250).print(to_table(board, 250))
    for text in (wide.getvalue(), to_markdown([board]), to_latex([board])):
        assert "ould have been seen" in text
        for value in seen.values():
            assert f"{value:.3f}" in text
    page = browser.new_page()
    page.goto(write_site([board], tmp_path / "site").as_uri())
    table = page.locator("#effects-table")
    heads = table.locator("thead th").all_inner_texts()
    cells = table.locator("tbody tr").nth(0).locator("th, td").all_inner_texts()
    said = dict(zip(heads, cells, strict=True))
    key = said["axis"], said["value"], said["against"]
    assert said["would have been seen"] == f"{seen[key]:.3f}"
    page.close()
    flat = {row["method"]: row for row in csv.DictReader(io.StringIO(to_csv([board])))}
    expected = best_set(methods, "auc").standings
    for name, row in flat.items():
        value = expected[name].detectable
        cell = row["detectable_top_holm"]
        assert (float(cell) if cell else None) == (None if value is None else pytest.approx(value))


def test_where_so_few_seeds_say_too_little_nothing_would_have_been_seen(grid):
    board, _ = rows_of(grid.close())
    effects = tuple(replace(effect, detectable=value) for effect, value in
                    zip(board.effects, (1.7, None), strict=True))  # fmt: skip
    (table,) = side_tables(replace(board, effects=effects))
    place = table.heads.index("would have been seen")
    assert [row[place] for row in table.rows] == ["none", "none"]
    assert all("none would have been seen" in line for line in table.lines)


def test_a_row_without_partner_is_left_out_and_one_pair_is_no_effect(grid):
    for seed in SEEDS:
        grid.run({"synth": "smote", "loss": "focal", "head": "single_task"}, seed)
        grid.run({"synth": "none", "loss": "ldam", "head": "single_task"}, seed)
    board, _ = rows_of(grid.close())
    found = {(e.axis, e.value): (e.pairs, e.unpaired) for e in board.effects}
    assert found == {("synth", "cyclegan"): (2, 0), ("loss", "focal"): (2, 1)}


def test_how_many_seeds_are_behind_effects_is_said_in_every_format(suite):
    suite.merits.update(MERITS)
    (board,) = leaderboard([suite.grid(AXES, (4,)).close()])
    page = io.StringIO()
    Console(file=page, width=250).print(to_table(board, 250))
    view = BoardData(board, suite.folder).view()["effectsTitle"]
    texts = [page.getvalue(), to_markdown([board]), to_latex([board]), to_json([board]), view]
    for text in texts:
        assert "(1 training seed: p is of these trained models, not of the method)" in text


def test_effects_of_several_seeds_name_their_number(grid):
    board, _ = rows_of(grid.close())
    assert effects_title(board).endswith("what it was combined with (3 training seeds)")


def test_methods_that_say_the_same_are_named_and_stay_in_the_family(grid):
    """As one loss by two names: its predictions differ by what arithmetic rounds, if at all."""
    for loss in ("weighted_ce", "logit_adjustment", "ldam"):
        for seed in SEEDS:
            grid.run({"synth": "none", "loss": loss, "head": "single_task"}, seed)
    runs = grid.close() / "runs"
    for loss in ("weighted_ce", "logit_adjustment", "ldam"):
        for seed in SEEDS[: 2 if loss == "ldam" else 3]:
            source, copy = (runs / f"none-{x}-single_task-s{seed}" for x in ("ce", loss))
            said = read_predictions(source / "predictions.csv", ("benign", "malignant"))
            if loss == "logit_adjustment":
                said = {s: replace(p, probabilities=p.probabilities + np.array([2e-7, -2e-7]))
                        for s, p in said.items()}  # fmt: skip
            write_predictions(copy / "predictions.csv", said)
            ours, theirs = (json.loads((x / "record.json").read_text()) for x in (copy, source))
            ours |= {key: theirs[key] for key in ("metrics", "decision", "confusion")}
            if loss == "logit_adjustment":
                ours["decision"]["threshold"] -= 2e-7
            (copy / "record.json").write_text(json.dumps(ours))
    board, rows = rows_of(grid.folder)
    assert rows["none + ldam"].standing is not None  # its third seed tells it apart
    (found,) = (text for text in board.findings if "the same predictions" in text)
    assert found.startswith(
        "3 methods made the same predictions and decisions as another, seed by seed: "
        "none + ce = none + logit_adjustment = none + weighted_ce. "
    )
    assert any("Holm over 21 pairs" in text for text in board.findings)


def test_methods_that_differ_are_not_called_the_same(grid):
    board, _ = rows_of(grid.close())
    assert not any("the same predictions" in text for text in board.findings)


@pytest.mark.parametrize(
    ("seed", "made", "rows"),
    [(0, {"malignant": 4}, 2), (-1, {"malignant": 4}, 0), (0, {"malignant": 0}, 0)],
)
def test_one_fitted_synthesizer_for_all_seeds_is_said_beside_the_intervals(suite, seed, made, rows):
    def edit(record):
        data = {**record.data, "fed": {"real": {}, "synthetic": made}}
        return replace(
            record, data=data, spec={**record.spec, "synth": {"name": "x", "seed": seed}}
        )

    for loss in ("ce", "focal"):
        for training in SEEDS:
            suite.run({"synth": "cyclegan", "loss": loss}, training, edit)
    (board,) = leaderboard([suite.close()])
    said = [text for text in board.notes if "the synthesizer has a fixed seed" in text]
    assert [text.split()[1] for text in said] == ([str(rows)] if rows else [])


def test_a_leaky_row_is_marked_and_is_neither_best_nor_chosen(grid):
    grid.merits["ldam"] = 9.0
    for seed in SEEDS:
        grid.run(
            {"synth": "none", "loss": "ldam", "head": "single_task"},
            seed,
            lambda record: replace(record, data={**record.data, "leaky": "Tested on validation."}),
        )
    board, rows = rows_of(grid.close())
    leaky = rows["none + ldam"]
    assert board.rows[0] == leaky  # it ranks in place
    assert leaky.marks == ("leaky",)
    assert leaky.standing is None
    assert "leaky: Tested on validation." in board.notes
    assert "Not compared (leaky): none + ldam." in board.findings
    assert not any("ldam" in (effect.value, effect.against) for effect in board.effects)


def test_another_budget_is_compared_and_marked(grid):
    for seed in SEEDS:
        grid.run({"synth": "smote", "loss": "ce", "head": "single_task"}, seed, updates=1600)
    board, rows = rows_of(grid.close())
    assert "other budget" in rows["smote + ce"].marks
    assert rows["smote + ce"].standing is not None
    assert not rows["none + ce"].other_budget
    assert any("Other numbers of updates than the top" in text for text in board.findings)
    assert next(e for e in board.effects if e.axis == "loss").other_budget is False


def test_rows_that_cannot_be_paired_are_named_with_the_reason(grid):
    grid.run({"synth": "smote", "loss": "ce", "head": "single_task"}, 0)
    for seed in SEEDS:
        grid.run({"synth": "duplicate", "loss": "ce", "head": "single_task"}, seed)
        grid.run({"synth": "augment", "loss": "ce", "head": "single_task"}, seed)
    folder = grid.close()
    (folder / "runs" / "duplicate-ce-single_task-s2" / "predictions.csv").unlink()
    shutil.copy(
        folder / "runs" / "none-focal-single_task-s0" / "predictions.csv",
        folder / "runs" / "augment-ce-single_task-s0" / "predictions.csv",
    )
    board, rows = rows_of(folder)
    reasons = [text for text in board.findings if text.startswith("Not compared")]
    assert "Not compared (no predictions beside the record): duplicate + ce." in reasons
    assert "Not compared (seed 0 instead of 0-2): smote + ce." in reasons
    (other,) = (text for text in reasons if "do not give the record's figures" in text)
    assert other.endswith(": augment + ce.")
    for name in ("duplicate + ce", "smote + ce", "augment + ce"):
        assert rows[name].standing is None
    assert rows["duplicate + ce"].metrics["auc"].low is None
    assert rows["smote + ce"].metrics["auc"].low is not None


def test_the_suite_says_what_ranks_and_the_command_may_say_otherwise(grid):
    folder = grid.close(metric="brier")
    board, _ = rows_of(folder)
    assert board.metric == "brier"
    values = [row.metrics["brier"].value for row in board.rows]
    assert values == sorted(values)
    assert board.rows[0].best
    assert "(lowest mean Brier score there: " in board.findings[0]
    assert leaderboard([folder], "npv")[0].metric == "npv"


def test_a_metric_that_predictions_do_not_give_ranks_without_a_best_set(runs, make_record):
    folder = runs(
        *(
            make_record(f"r{n}", parts={"loss": loss}, metrics={"tail": Figure(0.1 * n)})
            for n, loss in enumerate(("ce", "focal"))
        )
    )
    (board,) = leaderboard([folder], "tail")
    assert not any(row.best for row in board.rows)
    assert any(text.startswith("No best set") for text in board.findings)
