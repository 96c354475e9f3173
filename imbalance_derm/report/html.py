"""Renders the evidence of a run as one page that needs nothing but a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tomli_w

from imbalance_derm.experiment.record import Record
from imbalance_derm.report import curves, further, pictures, synthetic
from imbalance_derm.report.confusion import confusion_rows
from imbalance_derm.report.evidence import ErrorCase, Evidence
from imbalance_derm.report.page import environment, gallery_view, write_page
from imbalance_derm.report.photographs import overlay, photograph
from imbalance_derm.report.summary import (
    SummaryRow,
    figure_text,
    is_binary,
    summary,
    title_of,
)
from imbalance_derm.report.wording import duration

_CRITERIA = {"youden": "Youden’s J (sensitivity + specificity − 1)"}


def write_report(evidence: Evidence, path: Path) -> None:
    """Write the report of one run to `path`, whole or not at all.

    Parameters
    ----------
    evidence : Evidence
    path : Path
        Such as ``RUN/report.html``; an older report there is replaced.

    Raises
    ------
    RunError
        The file cannot be written.
    """
    write_page(path, render(evidence))


def render(evidence: Evidence) -> str:
    """Return the report as HTML; every text in it is escaped, no resource lies outside it."""
    record = evidence.record
    return (
        environment()
        .get_template("run.html.j2")
        .render(
            record=record,
            title=_title(record),
            caveats=evidence.caveats,
            binary=is_binary(record.data),
            headline=[_bar(row) for row in summary(record)],
            validation={row.metric: row.text for row in summary(record, "validation")},
            decision=record.decision,
            criterion=_criterion(record),
            test_images=len(evidence.test.labels),
            image_size=record.spec.get("data", {}).get("image_size"),
            duration_text=duration(record.seconds),
            best_update=_best_update(record),
            environment=_flat(record.environment),
            counts=_counts(record),
            confusion=confusion_rows(record.data["classes"], record.confusion.get("test", [])),
            per_class=_per_class(record),
            charts=_charts(evidence),
            synthesizer_curves=_synthesizer_curves(record),
            gallery=gallery_view(evidence.gallery),
            evidence=None if evidence.synthetic is None else synthetic.view(evidence.synthetic),
            errors=[_error(case) for case in evidence.errors],
            any_heat=any(case.heat is not None for case in evidence.errors),
            map_uri=None
            if evidence.points is None
            else pictures.embedding_scatter(evidence.points),
            map_points=0 if evidence.points is None else len(evidence.points.labels),
            map_shown=pictures.MOST_POINTS,
            paired=further.paired_view(record),
            robustness=further.robustness_view(record),
            sites=further.sites_view(record),
            spec_toml=tomli_w.dumps(_without_null(record.spec)),
            every_figure=_every_figure(record),
        )
    )


def _title(record: Record) -> str:
    method = [record.components[s]["name"] for s in ("synth", "loss") if s in record.components]
    return f"{' + '.join(method) or record.name} on {record.data['name']}"


def _criterion(record: Record) -> str:
    criterion = str(record.decision.get("criterion", ""))
    return _CRITERIA.get(criterion, criterion)


def _bar(row: SummaryRow) -> dict[str, Any]:
    """Add where value and interval lie on a scale from 0 to 1, in per cent."""
    figure = row.figure
    ends = (figure.low, figure.high)
    drawn = figure.value == figure.value and 0 <= figure.value <= 1
    low, high = (
        (figure.value if e is None else min(1.0, max(0.0, e))) * 100 if drawn else 0.0 for e in ends
    )
    return {
        "title": row.title,
        "metric": row.metric,
        "value": figure_text(type(figure)(figure.value)),
        "text": row.text,
        "interval": row.text.partition(" ")[2],
        "drawn": drawn,
        "at": f"{figure.value * 100:.2f}" if drawn else "0",
        "low": f"{low:.2f}",
        "width": f"{high - low:.2f}",
    }


def _counts(record: Record) -> dict[str, Any]:
    """Images by class: a column for each split, then what the classifier was fed."""
    classes = [str(name) for name in record.data["classes"]]
    columns = [(split, by_class) for split, by_class in record.data.get("counts", {}).items()]
    columns += [
        (f"fed, {origin}", record.data["fed"][origin])
        for origin in ("real", "synthetic")
        if origin in record.data.get("fed", {})
    ]
    return {
        "heads": [head for head, _ in columns],
        "rows": [(name, [by_class.get(name, 0) for _, by_class in columns]) for name in classes],
        "totals": [sum(by_class.values()) for _, by_class in columns],
    }


def _per_class(record: Record) -> dict[str, Any]:
    """Figures named ``METRIC/CLASS``, a row per class."""
    figures = record.metrics.get("test", {})
    names = [str(name) for name in record.data["classes"]]
    wanted = ("sensitivity", "specificity", "ppv", "npv", "auc", "average_precision")
    heads = [metric for metric in wanted if any(f"{metric}/{name}" in figures for name in names)]
    rows = [
        (
            name,
            [
                figure_text(figures[key]).partition(" ")
                if (key := f"{metric}/{name}") in figures
                else ("–", "", "")
                for metric in heads
            ],
        )
        for name in names
    ]
    return {"heads": [title_of(metric) for metric in heads], "rows": rows if heads else []}


def _charts(evidence: Evidence) -> dict[str, str | None]:
    record = evidence.record
    threshold = record.decision.get("threshold")
    points = record.curves.get("classifier") or []
    return {
        "classifier": curves.classifier_curves(points, _best_update(record)) if points else None,
        "roc": pictures.roc_curve(evidence.test, threshold),
        "precision_recall": pictures.precision_recall_curve(evidence.test, threshold),
        "reliability": pictures.reliability_diagram(evidence.test),
    }


def _best_update(record: Record) -> int | None:
    found = (e.facts.get("best_update") for e in record.stages if e.stage == "train")
    return next(found, None)


def _synthesizer_curves(record: Record) -> list[tuple[str, str]]:
    by_name = record.curves.get("synthesizer") or {}
    drawn = [(str(name), curves.synthesizer_curves(curve)) for name, curve in by_name.items()]
    return [(name, uri) for name, uri in drawn if uri is not None]


def _error(case: ErrorCase) -> dict[str, Any]:
    return {
        "image": photograph(case.image),
        "heat": None if case.heat is None else overlay(case.image, case.heat),
        "truth": case.truth,
        "decision": case.decision,
        "probability": f"{case.probability:.3f}",
        "image_id": case.image_id,
    }


def _every_figure(record: Record) -> list[tuple[str, str, str]]:
    test, validation = (record.metrics.get(split, {}) for split in ("test", "validation"))
    return [
        (
            title_of(name),
            figure_text(test[name]) if name in test else "–",
            figure_text(validation[name]) if name in validation else "–",
        )
        for name in dict.fromkeys([*test, *validation])
    ]


def _flat(values: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return a table of a dict whose values may be dicts."""
    rows: list[tuple[str, Any]] = []
    for name, value in values.items():
        rows.extend(_flat(value) if isinstance(value, dict) else [(name, value)])
    return rows


def _without_null(value: Any) -> Any:
    """TOML has no null."""
    if isinstance(value, dict):
        return {key: _without_null(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_null(item) for item in value if item is not None]
    return value
