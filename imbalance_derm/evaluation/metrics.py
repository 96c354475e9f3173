"""Every figure of merit by name, for many resamples of the images at once."""

from __future__ import annotations

import numpy as np

from imbalance_derm.evaluation import calibration, confusion, ranking
from imbalance_derm.evaluation.predictions import Predictions

OPERATING_POINT = 0.95
"""Specificity at which sensitivity is read off the ROC curve, and the reverse."""


def measure(
    predictions: Predictions, decided: np.ndarray, weights: np.ndarray
) -> dict[str, np.ndarray]:
    """Return every figure of every resample.

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
    matrices = confusion.confusion_matrix(
        predictions.labels, decided, len(predictions.classes), weights
    )
    per_class = _of_scores(predictions, weights) | {
        "sensitivity": confusion.sensitivity(matrices),
        "specificity": confusion.specificity(matrices),
        "ppv": confusion.ppv(matrices),
        "npv": confusion.npv(matrices),
        "f1": confusion.f1(matrices),
    }
    probabilities, labels = predictions.probabilities, predictions.labels
    return _named(per_class, predictions.classes) | {
        "accuracy": confusion.accuracy(matrices),
        "balanced_accuracy": per_class["sensitivity"].mean(axis=1),
        "mcc": confusion.mcc(matrices),
        "brier": calibration.brier(probabilities, labels, weights),
        "ece": calibration.expected_calibration_error(probabilities, labels, weights),
    }


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


def _of_scores(predictions: Predictions, weights: np.ndarray) -> dict[str, np.ndarray]:
    """One-against-rest figures that need scores, each (b, classes)."""
    columns: dict[str, list[np.ndarray]] = {}
    for index in range(len(predictions.classes)):
        at = ranking.thresholds(
            predictions.probabilities[:, index], predictions.labels == index, weights
        )
        for name, column in (
            ("auc", ranking.auc(at)),
            ("average_precision", ranking.average_precision(at)),
            (
                "sensitivity_at_95_specificity",
                ranking.sensitivity_at_specificity(at, OPERATING_POINT),
            ),
            (
                "specificity_at_95_sensitivity",
                ranking.specificity_at_sensitivity(at, OPERATING_POINT),
            ),
        ):
            columns.setdefault(name, []).append(column)
    return {name: np.stack(column, axis=1) for name, column in columns.items()}


def _named(per_class: dict[str, np.ndarray], classes: tuple[str, ...]) -> dict[str, np.ndarray]:
    if len(classes) == 2:
        return {name: values[:, 1] for name, values in per_class.items()}
    figures = {name: values.mean(axis=1) for name, values in per_class.items()}
    for name, values in per_class.items():
        figures |= {f"{name}/{label}": values[:, i] for i, label in enumerate(classes)}
    return figures
