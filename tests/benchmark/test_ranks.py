"""Average ranks over data sets: from five up, and as the test computes them."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from imbalance_derm.benchmark.leaderboard import leaderboard
from imbalance_derm.benchmark.ranks import ranks
from imbalance_derm.benchmark.site import write_site
from imbalance_derm.experiment.record import Figure

SCORES = {"ce": [1, 2, 3, 1, 1], "focal": [2, 3, 4, 2, 3], "ldam": [3, 4, 5, 3, 2]}


def boards(runs, make_record, count):
    records = []
    for n in range(count):
        for loss, scores in SCORES.items():
            metrics = {"auc": Figure(scores[n] / 10)}
            parts = {"data": f"set{n}", "loss": loss}
            records.append(make_record(f"{loss}{n}", parts=parts, metrics=metrics))
    return leaderboard([runs(*records)])


def test_below_five_data_sets_ranks_are_refused_in_one_line(runs, make_record):
    found = boards(runs, make_record, 4)
    assert ranks(found) is None
    for board in found:
        assert board.notes[-1] == "No average ranks: 4 data sets here, and it takes 5 or more."


def test_from_five_on_methods_are_ranked_over_the_data_sets(runs, make_record):
    found = boards(runs, make_record, 5)
    # ldam is first on four data sets and second on one.
    assert ranks(found).average_ranks == {
        "cyclegan + ldam": pytest.approx(1.2),
        "cyclegan + focal": pytest.approx(1.8),
        "cyclegan + ce": pytest.approx(3.0),
    }
    assert "Average ranks over 5 data sets: cyclegan + ldam 1.20" in found[0].notes[-1]


def test_the_page_draws_them_to_scale_and_only_from_five_on(runs, make_record, tmp_path):
    many = boards(runs, make_record, 5)
    assert 'class="ranks"' not in write_site(many[:4], tmp_path / "few").read_text()
    page = write_site(many, tmp_path / "many").read_text()
    (drawn,) = re.findall(r'<svg class="ranks".*?</svg>', page)
    tree = ElementTree.fromstring(drawn)
    places = [float(dot.get("cx")) for dot in tree.iter("circle")]
    expected = list(ranks(many).average_ranks.values())
    # Distances between the dots are proportional to those between the ranks.
    scale = (places[-1] - places[0]) / (expected[-1] - expected[0])
    assert places == pytest.approx(
        [places[0] + scale * (r - expected[0]) for r in expected], abs=0.2
    )
    bars = [line for line in tree.iter("line") if line.get("stroke-width") == "4"]
    assert len(bars) == len(ranks(many).groups)


def test_a_method_is_known_by_its_settings_and_not_by_what_it_is_called(runs, make_record):
    records = []
    for n in range(5):
        for loss, scores in SCORES.items():
            parts = {"data": f"set{n}", "loss": loss}
            metrics = {"auc": Figure(scores[n] / 10)}
            record = make_record(f"{loss}{n}", parts=parts, metrics=metrics)
            record.spec["data"]["image_size"] = 32 + n
            records.append(record)
    # On one data set a variant makes the label longer; the method is the same.
    parts = {"data": "set3", "loss": "focal"}
    settings = {"loss": {"gamma": 9.0}, "data": {"image_size": 35}}
    records.append(make_record("variant", parts=parts, settings=settings))
    found = leaderboard([runs(*records)])
    assert "cyclegan + focal (loss.gamma=None)" in {row.method for row in found[3].rows}
    assert ranks(found).average_ranks == {
        "cyclegan + ldam": pytest.approx(1.2),
        "cyclegan + focal": pytest.approx(1.8),
        "cyclegan + ce": pytest.approx(3.0),
    }


def test_a_method_that_a_data_set_has_twice_is_not_ranked(runs, make_record):
    records = []
    for n in range(5):
        for loss in (*SCORES, "cb_focal"):
            parts = {"data": f"set{n}", "loss": loss}
            records.append(make_record(f"{loss}{n}", parts=parts, data={"test_set": "t"}))
    twin = make_record("twin", parts={"data": "set0", "loss": "ce"}, data={"test_set": "t"})
    twin.spec["data"]["image_size"] = 256
    found = ranks(leaderboard([runs(*records, twin)]))
    assert not any("ce" in name.split() for name in found.average_ranks)
    assert len(found.average_ranks) == 3
