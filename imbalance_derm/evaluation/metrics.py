"""Every figure of merit by name, for many resamples of the images at once."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import TypeVar

import numpy as np

from imbalance_derm.evaluation import calibration, confusion, ranking
from imbalance_derm.evaluation.predictions import Predictions

_Figure = TypeVar("_Figure")
OPERATING_POINT = 0.95
"""Specificity at which sensitivity is read off the ROC curve, and the reverse."""


OF_SCORES: dict[str, Callable[[ranking.Thresholds], np.ndarray]] = {
    "auc": ranking.auc,
    "average_precision": ranking.average_precision,
    "sensitivity_at_95_specificity": partial(
        ranking.sensitivity_at_specificity, specificity=OPERATING_POINT
    ),
    "specificity_at_95_sensitivity": partial(
        ranking.specificity_at_sensitivity, sensitivity=OPERATING_POINT
    ),
}
"""Figures of one class against the rest, from its scores."""
OF_DECISIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "sensitivity": confusion.sensitivity,
    "specificity": confusion.specificity,
    "ppv": confusion.ppv,
    "npv": confusion.npv,
    "f1": confusion.f1,
}
"""Figures by class, from confusion matrices."""
OF_ALL_CLASSES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "accuracy": confusion.accuracy,
    "balanced_accuracy": lambda matrices: confusion.sensitivity(matrices).mean(axis=1),
    "mcc": confusion.mcc,
}
"""Figures of all classes together, from confusion matrices."""
OF_PROBABILITIES = {
    "brier": calibration.brier,
    "ece": calibration.expected_calibration_error,
}
"""Figures of all classes together, from their probabilities."""


def measure(
    predictions: Predictions,
    decided: np.ndarray,
    weights: np.ndarray,
    names: Collection[str] | None = None,
) -> dict[str, np.ndarray]:
    """Return figures of every resample.

    In two classes the figures are those of the positive (last) class. In more, those of one
    class against the rest carry its name, as in ``sensitivity/mel``, and the plain name is
    their macro average: the mean over classes, each counting the same. It is nan in a resample
    where one of them is.

    Parameters
    ----------
    predictions : Predictions
    decided : ndarray of int64, shape (n,)
        From :func:`imbalance_derm.evaluation.decision.decide`.
    weights : ndarray of float64, shape (b, n)
        Times that each image was drawn; one row of ones gives the plain figures.
    names : collection of str, optional
        Figures that are wanted; by default all. Others may come along.

    Returns
    -------
    dict of str to ndarray of float64, shape (b,)

    Examples
    --------
    >>> ids = np.array(["a", "b"])
    >>> p = np.array([[0.7, 0.3], [0.9, 0.1]])
    >>> said = Predictions(ids, ids, np.array([1, 0]), p, ("benign", "malignant"))
    >>> measure(said, np.array([1, 0]), np.ones((1, 2)))["auc"].tolist()
    [1.0]
    """
    wanted = None if names is None else {name.partition("/")[0] for name in names}

    def chosen(figures: dict[str, _Figure]) -> dict[str, _Figure]:
        return {n: f for n, f in figures.items() if wanted is None or n in wanted}

    classes, labels = predictions.classes, predictions.labels
    by_class = _of_scores(predictions, weights, chosen(OF_SCORES))
    whole: dict[str, np.ndarray] = {}
    decisions, all_classes = chosen(OF_DECISIONS), chosen(OF_ALL_CLASSES)
    if decisions or all_classes:
        matrices = confusion.confusion_matrix(labels, decided, len(classes), weights)
        by_class |= {name: figure(matrices) for name, figure in decisions.items()}
        whole |= {name: figure(matrices) for name, figure in all_classes.items()}
    for name, of_probabilities in chosen(OF_PROBABILITIES).items():
        whole[name] = of_probabilities(predictions.probabilities, labels, weights)
    return _named(by_class, classes) | whole


RANGES = {"mcc": (-1.0, 1.0), "brier": (0.0, 2.0)}
"""Possible values of figures; all others are from 0 to 1."""


def possible(metric: str) -> tuple[float, float]:
    """Return the lowest and the highest possible value of a figure."""
    return RANGES.get(metric.partition("/")[0], (0.0, 1.0))


def proportions(
    predictions: Predictions, decided: np.ndarray
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the figures that are plain shares of images, under the names of :func:`measure`.

    Returns
    -------
    dict of str to (hit, among)
        Boolean masks (n,): the figure is the share of `hit` among `among`.

    Examples
    --------
    >>> ids = np.array(["a", "b"])
    >>> p = np.array([[0.7, 0.3], [0.9, 0.1]])
    >>> said = Predictions(ids, ids, np.array([1, 0]), p, ("benign", "malignant"))
    >>> hit, among = proportions(said, np.array([0, 0]))["npv"]
    >>> int((hit & among).sum()), int(among.sum())
    (1, 2)
    """
    labels = predictions.labels
    shares = {"accuracy": (decided == labels, np.ones(len(labels), dtype=bool))}
    binary = len(predictions.classes) == 2
    for index, name in enumerate(predictions.classes):
        if binary and index == 0:
            continue
        is_class, said_class = labels == index, decided == index
        suffix = "" if binary else f"/{name}"
        shares[f"sensitivity{suffix}"] = (said_class, is_class)
        shares[f"specificity{suffix}"] = (~said_class, ~is_class)
        shares[f"ppv{suffix}"] = (is_class, said_class)
        shares[f"npv{suffix}"] = (~is_class, ~said_class)
    return shares


def _of_scores(
    predictions: Predictions,
    weights: np.ndarray,
    figures: dict[str, Callable[[ranking.Thresholds], np.ndarray]],
) -> dict[str, np.ndarray]:
    """One-against-rest figures that need scores, each (b, classes); of two classes the second."""
    if not figures:
        return {}
    columns: dict[str, list[np.ndarray]] = {name: [] for name in figures}
    of = range(len(predictions.classes))
    for index in of if len(of) != 2 else of[1:]:
        at = ranking.thresholds(
            predictions.probabilities[:, index], predictions.labels == index, weights
        )
        for name, figure in figures.items():
            columns[name].append(figure(at))
    return {name: np.stack(column, axis=1) for name, column in columns.items()}


def _named(per_class: dict[str, np.ndarray], classes: tuple[str, ...]) -> dict[str, np.ndarray]:
    if len(classes) == 2:
        return {name: values[:, -1] for name, values in per_class.items()}
    figures = {name: values.mean(axis=1) for name, values in per_class.items()}
    for name, values in per_class.items():
        figures |= {f"{name}/{label}": values[:, i] for i, label in enumerate(classes)}
    return figures
