"""The headline of a run: the few figures that every table shows first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from imbalance_derm.experiment.record import Figure, Record

BINARY = ("auc", "sensitivity", "specificity", "npv", "balanced_accuracy")
MULTI_CLASS = ("balanced_accuracy", "auc", "accuracy", "f1")
LOWER_IS_BETTER = frozenset({"brier", "ece"})

TITLES = {
    "accuracy": "Accuracy",
    "auc": "AUC",
    "average_precision": "Average precision",
    "balanced_accuracy": "Balanced accuracy",
    "brier": "Brier score",
    "ece": "Calibration error",
    "f1": "F1",
    "mcc": "MCC",
    "npv": "NPV",
    "ppv": "PPV",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
}
"""How a metric is written for a reader; any other name is shown with its underscores as spaces."""


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """One line of a run's final table."""

    metric: str
    title: str
    figure: Figure
    text: str


def is_binary(data: dict[str, Any]) -> bool:
    """Whether the ``data`` section of a record describes a two-class problem."""
    return bool(data.get("positive")) or len(data.get("classes", ())) == 2


def headline_metrics(binary: bool) -> tuple[str, ...]:
    """Names of the metrics that come first; the first of them ranks the leaderboard."""
    return BINARY if binary else MULTI_CLASS


def title_of(metric: str) -> str:
    """Return how a metric's name is written for a reader.

    Examples
    --------
    >>> title_of("npv"), title_of("sensitivity/mel"), title_of("sensitivity_at_95_specificity")
    ('NPV', 'Sensitivity, mel', 'Sensitivity at 95 specificity')
    """
    base, _, label = metric.partition("/")
    words = base.replace("_", " ")
    title = TITLES.get(base, words[:1].upper() + words[1:])
    return f"{title}, {label}" if label else title


def figure_text(figure: Figure, digits: int = 3) -> str:
    """Return a figure with its 95 % interval, or a dash where it is undefined.

    Examples
    --------
    >>> figure_text(Figure(0.8118, 0.761, 0.859)), figure_text(Figure(float("nan")))
    ('0.812 [0.761, 0.859]', '–')
    """
    if figure.value != figure.value:
        return "–"
    value = f"{figure.value:.{digits}f}"
    interval = interval_text(figure, digits)
    return f"{value} {interval}" if interval else value


def interval_text(figure: Figure, digits: int = 3) -> str:
    """Return ``"[low, high]"``, or nothing where the figure has no interval."""
    if figure.low is None or figure.high is None:
        return ""
    return f"[{figure.low:.{digits}f}, {figure.high:.{digits}f}]"


def signed_text(figure: Figure) -> str:
    """Return a difference with its sign and its interval.

    Examples
    --------
    >>> signed_text(Figure(0.0124, -0.021, 0.0451))
    '+0.012 [-0.021, 0.045]'
    """
    return " ".join(filter(None, [f"{figure.value:+.3f}", interval_text(figure)]))


def summary(record: Record, split: str = "test") -> list[SummaryRow]:
    """Return the headline of `record`: metric, value and interval, most important first.

    Metrics that the record does not hold are left out.
    """
    figures = record.metrics.get(split, {})
    return [
        SummaryRow(name, title_of(name), figures[name], figure_text(figures[name]))
        for name in headline_metrics(is_binary(record.data))
        if name in figures
    ]
