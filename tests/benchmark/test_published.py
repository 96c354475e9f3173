from __future__ import annotations

from pathlib import Path

import pytest

from imbalance_derm.benchmark import published
from imbalance_derm.benchmark.published import load_published
from imbalance_derm.benchmark.published_rows import published_units, recovered_figures
from imbalance_derm.errors import InputError

TABLE_1 = {
    "Gutman et al. (challenge winner)": ("80.40", "50.70", "sensitivity"),
    "Yu et al., without segmentation": ("78.20", "42.70", "sensitivity"),
    "Yu et al., with segmentation": ("78.30", "54.70", "sensitivity"),
    "VGG-GAP": ("79.08", "84.46", "npv"),
    "VGG-GAP + Augment-5x": ("78.81", "85.34", "npv"),
    "VGG-GAP + Augment-10x": ("79.56", "86.09", "npv"),
    "MelaNet": ("81.18", "91.76", "npv"),
}
# Sensitivity, specificity, balanced accuracy, NPV in per cent, from the audit of the paper.
RECOVERED = {
    "VGG-GAP": (26.7, 98.4, 62.5, 84.46),
    "VGG-GAP + Augment-5x": (32.0, 97.7, 64.8, 85.34),
    "VGG-GAP + Augment-10x": (37.3, 95.7, 66.5, 86.09),
    "MelaNet": (70.7, 80.6, 75.6, 91.76),
}


@pytest.fixture(scope="module")
def melanet():
    return next(table for table in load_published() if table.source.key == "MelaNet")


def test_table_1_stands_as_printed(melanet):
    printed = {
        row.method: (*(f.text for f in row.printed), row.printed[1].quantity) for row in melanet.row
    }
    assert printed == TABLE_1
    assert {f.column for row in melanet.row for f in row.printed} == {"AUC", "Sensitivity"}
    assert melanet.source.arxiv == "2004.06824"
    assert sum(melanet.data.train.values()) == 900
    assert melanet.data.test == {"benign": 304, "malignant": 75}


def test_every_figure_that_is_not_what_its_column_says_is_marked(melanet):
    for row in melanet.row:
        for figure in row.printed:
            assert bool(figure.mark) == (figure.column.lower() != figure.quantity)


def test_recovered_rows_follow_from_the_printed_ones(melanet):
    rows = [row for unit in published_units(melanet) for row in unit]
    recovered = {row.method: row.metrics for row in rows if row.status == "recovered"}
    assert set(recovered) == set(RECOVERED)
    for method, figures in RECOVERED.items():
        names = ("sensitivity", "specificity", "balanced_accuracy", "npv")
        for name, value, digits in zip(names, figures, (1, 1, 1, 2), strict=True):
            assert round(100 * recovered[method][name].value, digits) == value
        assert "auc" not in recovered[method]


def test_recovered_proportions_have_wilsons_interval(melanet):
    (counts,) = melanet.recovered(melanet.row[-1])
    figure = recovered_figures(counts)["sensitivity"]
    # Newcombe's formula for 53 of 75, by hand.
    n, p, z = 75, 53 / 75, 1.959963984540054
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * ((p * (1 - p) + z * z / (4 * n)) / n) ** 0.5 / (1 + z * z / n)
    assert figure.low == pytest.approx(centre - half)
    assert figure.high == pytest.approx(centre + half)
    assert recovered_figures(counts)["balanced_accuracy"].low is None


def test_a_printed_row_has_no_interval_and_no_sensitivity_where_it_is_npv(melanet):
    rows = [row for unit in published_units(melanet) for row in unit if row.status == "as printed"]
    assert all(f.low is None and f.high is None for row in rows for f in row.metrics.values())
    assert "sensitivity" not in rows[-1].metrics
    assert rows[-1].metrics["npv"].value == pytest.approx(0.9176)
    assert rows[-1].printed["npv"].column == "Sensitivity"


def test_body_site_baseline_is_listed_for_ham10000():
    table = next(t for t in load_published() if t.data.name == "ham10000")
    assert table.row[0].printed[0].value == pytest.approx(0.811)
    assert table.recovered(table.row[0]) is None


def test_an_installed_wheel_reads_its_own_copy(tmp_path, monkeypatch):
    (tmp_path / "published").mkdir()
    monkeypatch.setattr(published, "files", lambda package: tmp_path)
    published.published_folder.cache_clear()
    try:
        assert published.published_folder() == tmp_path / "published"
    finally:
        published.published_folder.cache_clear()
        monkeypatch.undo()
    assert published.published_folder() == Path(__file__).parents[2] / "benchmarks" / "published"


FACTS = """
[source]
key = "X"
citation = "Someone 2020"
[data]
name = "isic2016"
description = "test"
positive = "malignant"
test = { benign = 304, malignant = 75 }
[[row]]
method = "M"
false_negatives = 22
printed = [{ column = "NPV", text = "FIGURE", unit = "%", quantity = "npv" }]
"""


@pytest.mark.parametrize(("figure", "count"), [("91.76", 1), ("92", 3), ("10.00", 0)])
def test_only_a_single_fit_makes_a_recovered_row(tmp_path, figure, count):
    (tmp_path / "x.toml").write_text(FACTS.replace("FIGURE", figure), encoding="utf-8")
    (table,) = load_published(tmp_path)
    fits = table.recovered(table.row[0])
    # Brute force: true negatives whose share of all negative decisions rounds to the figure.
    digits = len(figure.partition(".")[2])
    brute = [tn for tn in range(305) if round(100 * tn / (tn + 22), digits) == float(figure)]
    assert [c.true_negatives for c in fits] == brute
    assert min(len(fits), 3) == min(count, 3)
    (unit,) = published_units(table)
    assert len(unit) == (2 if count == 1 else 1)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('unit = "%"', 'unit = "‰"'),
        ("FIGURE", "ninety"),
        ('method = "M"', 'methods = "M"'),
        ("malignant = 75", "melanoma = 75"),
        ('quantity = "npv"', 'quantity = "npv", mark = "*"'),
        ("[source]", "[source"),
    ],
)
def test_a_malformed_file_is_named_in_one_line(tmp_path, before, after):
    text = FACTS.replace(before, after).replace("FIGURE", "91.76")
    (tmp_path / "broken.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"broken\.toml") as caught:
        load_published(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(InputError, match="nowhere"):
        load_published(tmp_path / "nowhere")
