from __future__ import annotations

from dataclasses import replace

import pytest

from imbalance_derm.experiment.record import Figure
from imbalance_derm.report.summary import MULTI_CLASS, figure_text, summary


def test_binary_headline_in_order(make_evidence):
    record = make_evidence().record
    rows = summary(record)
    assert [row.metric for row in rows][:3] == ["auc", "sensitivity", "specificity"]
    assert all(row.figure is record.metrics["test"][row.metric] for row in rows)
    assert summary(record, "validation")[0].figure != rows[0].figure


def test_multi_class_headline_starts_with_balanced_accuracy(make_evidence):
    record = make_evidence(("a", "b", "c")).record
    assert tuple(row.metric for row in summary(record)) == MULTI_CLASS


def test_missing_metrics_are_left_out(make_evidence):
    record = replace(make_evidence().record, metrics={"test": {"npv": Figure(0.9)}})
    assert [(row.metric, row.text) for row in summary(record)] == [("npv", "0.900")]


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (Figure(0.8125, 0.5, 1.0), "0.812 [0.500, 1.000]"),
        (Figure(0.8, None, 1.0), "0.800"),
        (Figure(float("nan"), 0.1, 0.2), "–"),
    ],
)
def test_figures_as_text(figure, text):
    assert figure_text(figure) == text
