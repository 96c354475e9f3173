"""Charts of predictions and of features, one function each; each returns an SVG data URI."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from imbalance_derm.evaluation.calibration import reliability
from imbalance_derm.evaluation.intervals import bootstrap, percentile_interval, wilson
from imbalance_derm.evaluation.predictions import Predictions
from imbalance_derm.evaluation.ranking import thresholds
from imbalance_derm.report.evidence import EmbeddingMap
from imbalance_derm.report.style import INK, MUTED, RULE, SERIES, chart, panels, svg_uri

_GRID = np.linspace(0.01, 1.0, 100)
"""Where bands are computed; precision at a recall of 0 does not exist."""

_BAND_RESAMPLES = 500
MOST_POINTS = 3000
"""Points on a feature map; of more, a random sample is drawn."""


def roc_curve(predictions: Predictions, threshold: float | None = None) -> str:
    """Draw the ROC curve; two classes: with its 95 % band and the operating point.

    More classes give one curve each, the class against the rest. The band is that of
    sensitivity at each specificity, from a bootstrap over lesions.
    """
    with chart() as figure:
        (axes,) = panels(figure)
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=(0, (1, 3)))
        for label, name, colour in _curves(predictions):
            scores, positive = predictions.probabilities[:, label], predictions.labels == label
            (x,), (y,) = _roc(scores, positive, np.ones((1, len(scores))))
            axes.plot(x, y, color=colour, label=name)
            if len(predictions.classes) == 2:
                _band(axes, predictions, scores, positive, _sensitivity_on_grid, colour)
                if threshold is not None:
                    decided = scores >= threshold
                    _operating_point(axes, decided[~positive].mean(), decided[positive].mean())
        _unit_square(axes, "1 − specificity", "sensitivity")
        axes.legend(loc="lower right")
        return svg_uri(figure)


def precision_recall_curve(predictions: Predictions, threshold: float | None = None) -> str:
    """Draw precision against sensitivity; two classes: with its 95 % band, operating point and
    the precision of a guess (the dotted line).
    """
    with chart() as figure:
        (axes,) = panels(figure)
        for label, name, colour in _curves(predictions):
            scores, positive = predictions.probabilities[:, label], predictions.labels == label
            (x,), (y,) = _precision_recall(scores, positive, np.ones((1, len(scores))))
            # Between two steps in recall precision only falls: the step itself is the curve.
            steps = np.diff(x, prepend=0.0) > 0
            axes.plot(x[steps], y[steps], color=colour, label=name, drawstyle="steps-pre")
            if len(predictions.classes) == 2:
                prevalence = float(positive.mean())
                axes.axhline(prevalence, color=MUTED, linewidth=0.8, linestyle=(0, (1, 3)))
                _band(axes, predictions, scores, positive, _precision_on_grid, colour)
                if threshold is not None and (scores >= threshold).any():
                    decided = scores >= threshold
                    _operating_point(axes, decided[positive].mean(), positive[decided].mean())
        _unit_square(axes, "sensitivity (recall)", "precision (PPV)")
        axes.legend(loc="upper right")
        return svg_uri(figure)


def reliability_diagram(predictions: Predictions) -> str:
    """Draw how often the most likely class is right against how sure the model was.

    Bars are Wilson's 95 % intervals; below, the number of images in each bin.
    """
    diagram = reliability(predictions.probabilities, predictions.labels)
    filled = diagram.counts > 0
    confidence, accuracy = diagram.confidence[filled], diagram.accuracy[filled]
    counts = diagram.counts[filled]
    ends = [wilson(round(a * n), int(n)) for a, n in zip(accuracy, counts, strict=True)]
    with chart() as figure:
        top, below = panels(figure, 2, heights=(3.2, 1.0))
        top.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=(0, (1, 3)))
        low, high = np.array(ends, dtype=float).T
        top.vlines(confidence, low, high, color=SERIES[0], linewidth=1.0, alpha=0.6)
        top.plot(confidence, accuracy, color=SERIES[0], marker="o", markersize=4)
        top.set_ylim(-0.02, 1.02)
        top.set_ylabel("share that is right")
        below.bar(
            diagram.edges[:-1],
            diagram.counts,
            np.diff(diagram.edges),
            align="edge",
            color=SERIES[0],
            alpha=0.55,
            linewidth=0,
        )
        below.set_ylabel("images")
        below.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=3))
        lowest = diagram.edges[np.argmax(filled)]
        below.set_xlim(min(0.5, float(lowest)), 1.0)
        below.set_xlabel("probability of the most likely class")
        return svg_uri(figure)


def embedding_scatter(points: EmbeddingMap) -> str:
    """Draw real (dots) and synthetic (crosses) training images by class, in random order."""
    rng = np.random.default_rng(0)
    shown = rng.permutation(len(points.labels))[:MOST_POINTS]
    xy, labels, synthetic = points.xy[shown], points.labels[shown], points.synthetic[shown]
    with chart(7.2, 4.6) as figure:
        (axes,) = panels(figure)
        size = float(np.clip(9000 / max(1, len(shown)), 5, 26))
        # One pass per mark, colours mixed within: no class is drawn on top of another.
        colours = np.array([SERIES[label % len(SERIES)] for label in range(len(points.classes))])
        for kind, marker, alpha in ((False, "o", 0.55), (True, "x", 0.8)):
            rows = synthetic == kind
            axes.scatter(
                xy[rows, 0],
                xy[rows, 1],
                s=size,
                c=list(colours[labels[rows]]),
                marker=marker,
                alpha=alpha,
                linewidths=0.9 if kind else 0,
            )
        for label, name in enumerate(points.classes):
            for kind, marker in ((False, "o"), (True, "x")):
                if (synthetic[labels == label] == kind).any():
                    text = _legend(f"{name}, {'synthetic' if kind else 'real'}")
                    axes.scatter([], [], s=24, color=str(colours[label]), marker=marker, label=text)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_color(RULE)
        axes.spines[:].set_visible(True)
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
        return svg_uri(figure)


def _legend(name: str) -> str:
    """Matplotlib leaves out of a legend what begins with an underscore."""
    return f"\u200b{name}" if name.startswith("_") else name


def _curves(predictions: Predictions) -> list[tuple[int, str, str]]:
    """Return class, legend and colour of each curve: the positive class alone where binary."""
    labels = [1] if len(predictions.classes) == 2 else range(len(predictions.classes))
    return [
        (label, _legend(predictions.classes[label]), SERIES[label % len(SERIES)])
        for label in labels
        if 0 < (predictions.labels == label).sum() < len(predictions.labels)
    ]


def _roc(
    scores: np.ndarray, positive: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    at = thresholds(scores, positive, weights)
    x = at.false_positives / np.maximum(at.negatives, 1)[:, None]
    y = at.true_positives / np.maximum(at.positives, 1)[:, None]
    return np.pad(x, ((0, 0), (1, 0))), np.pad(y, ((0, 0), (1, 0)))


def _precision_recall(
    scores: np.ndarray, positive: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    at = thresholds(scores, positive, weights)
    recall = at.true_positives / np.maximum(at.positives, 1)[:, None]
    return recall, at.true_positives / np.maximum(at.true_positives + at.false_positives, 1)


def _sensitivity_on_grid(
    scores: np.ndarray, positive: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    x, y = _roc(scores, positive, weights)
    return np.stack([np.interp(_GRID, *row) for row in zip(x, y, strict=True)])


def _precision_on_grid(scores: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> np.ndarray:
    x, y = _precision_recall(scores, positive, weights)
    # The first threshold that reaches each recall; 1e-12 forgives rounding of the recall.
    places = [np.minimum(np.searchsorted(row, _GRID - 1e-12), len(row) - 1) for row in x]
    return np.stack([row[place] for row, place in zip(y, places, strict=True)])


def _band(
    axes: Axes,
    predictions: Predictions,
    scores: np.ndarray,
    positive: np.ndarray,
    on_grid: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
    colour: str,
) -> None:
    draws = bootstrap(
        lambda weights: on_grid(scores, positive, weights), predictions.lesion_ids, _BAND_RESAMPLES
    )
    ends = [percentile_interval(column) for column in draws.T]
    low = np.array([end[0] for end in ends], dtype=float)
    high = np.array([end[1] for end in ends], dtype=float)
    axes.fill_between(_GRID, low, high, color=colour, alpha=0.16, linewidth=0, label="95 % band")


def _operating_point(axes: Axes, x: float, y: float) -> None:
    axes.plot(
        [x],
        [y],
        marker="o",
        markersize=6,
        markerfacecolor="none",
        color=INK,
        linestyle="none",
        markeredgewidth=1.3,
        label="operating point",
    )


def _unit_square(axes: Axes, x: str, y: str) -> None:
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.02), xlabel=x, ylabel=y)
