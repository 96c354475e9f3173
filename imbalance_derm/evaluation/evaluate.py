"""The evaluation of one set of predictions: every figure with its 95 % interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from imbalance_derm.evaluation.confusion import confusion_matrix
from imbalance_derm.evaluation.decision import ARGMAX, Decision, decide
from imbalance_derm.evaluation.intervals import (
    RESAMPLES,
    bootstrap,
    percentile_interval,
    wilson,
)
from imbalance_derm.evaluation.metrics import measure, proportions
from imbalance_derm.evaluation.predictions import Predictions, require_finite
from imbalance_derm.experiment.record import Figure

Monitor = Literal["auc", "average_precision", "balanced_accuracy", "loss"]


@dataclass(frozen=True)
class Evaluation:
    """What the predictions of one split are worth.

    Attributes
    ----------
    figures : dict of str to Figure
        Names as in :func:`imbalance_derm.evaluation.metrics.measure`.
    confusion : list of list of int
        Rows are the truth, columns the decision, in the order of the classes.
    """

    figures: dict[str, Figure]
    confusion: list[list[int]]


def evaluate(
    predictions: Predictions, decision: Decision, resamples: int = RESAMPLES, seed: int = 0
) -> Evaluation:
    """Return every figure of the predictions with its 95 % interval.

    Where every lesion has one photograph, plain proportions (sensitivity, specificity, PPV, NPV,
    accuracy) have Wilson's interval. Everything else, and everything where lesions have
    several photographs, has the percentile interval of a bootstrap that draws lesions.

    Parameters
    ----------
    predictions : Predictions
    decision : Decision
        Chosen on other data than these.
    resamples, seed : int
        Of the bootstrap.

    Raises
    ------
    RunError
        There is no image, or a probability is not finite.

    Notes
    -----
    The intervals say how far the figure could move with other test images. They hold the trained
    model fixed, and the spread between training seeds comes on top.

    Examples
    --------
    >>> ids = np.array(["a", "b", "c", "d"])
    >>> p = np.array([0.1, 0.2, 0.3, 0.8])
    >>> said = Predictions(
    ...     ids, ids, np.array([0, 0, 1, 1]), np.stack([1 - p, p], 1), ("benign", "malignant")
    ... )
    >>> found = evaluate(said, Decision("threshold", 0.5, "youden", "validation"), resamples=100)
    >>> found.confusion, found.figures["sensitivity"].value
    ([[2, 0], [1, 1]], 0.5)
    """
    require_finite(predictions)
    decided = decide(predictions, decision)
    once = np.ones((1, len(decided)))
    values = {name: float(v[0]) for name, v in measure(predictions, decided, once).items()}

    def figures(weights: np.ndarray) -> np.ndarray:
        return np.stack(list(measure(predictions, decided, weights).values()), axis=1)

    draws = bootstrap(figures, predictions.lesion_ids, resamples, seed)
    intervals = {name: percentile_interval(draws[:, i]) for i, name in enumerate(values)}
    intervals |= _wilson_intervals(predictions, decided)
    matrix = confusion_matrix(predictions.labels, decided, len(predictions.classes), once)[0]
    return Evaluation(
        figures={name: Figure(value, *intervals[name]) for name, value in values.items()},
        confusion=matrix.astype(int).tolist(),
    )


def monitor(predictions: Predictions, name: Monitor) -> float:
    """Return one figure of validation predictions, quickly, to watch a training by.

    ``loss`` is the mean negative log-likelihood, where lower is better; ``auc``,
    ``average_precision`` (macro where multi-class) and ``balanced_accuracy`` of the most likely
    class are better when higher. Nan where a class is missing, and where a probability is not
    finite, as after a training that diverged.

    Examples
    --------
    >>> ids = np.array(["a", "b"])
    >>> p = np.array([[0.7, 0.3], [0.9, 0.1]])
    >>> said = Predictions(ids, ids, np.array([1, 0]), p, ("benign", "malignant"))
    >>> monitor(said, "auc"), monitor(said, "balanced_accuracy"), round(monitor(said, "loss"), 3)
    (1.0, 0.5, 0.655)
    """
    # Sorting would hide a nan and give a figure all the same.
    if not np.isfinite(predictions.probabilities).all():
        return float("nan")
    if name == "loss":
        rows = np.arange(len(predictions.labels))
        of_truth = predictions.probabilities[rows, predictions.labels]
        smallest = np.finfo(np.float64).tiny
        return float(-np.log(np.maximum(of_truth, smallest)).mean())
    once = np.ones((1, len(predictions.labels)))
    return float(measure(predictions, decide(predictions, ARGMAX), once, [name])[name][0])


def _wilson_intervals(
    predictions: Predictions, decided: np.ndarray
) -> dict[str, tuple[float | None, float | None]]:
    """Wilson's intervals of the proportions for which they are right.

    That is every proportion where images are lesions. Elsewhere it is one that is 0 or 1: the
    bootstrap would collapse to a point, but as the photographs of each lesion then agree, the
    lesions can be counted instead.
    """
    lesions = predictions.lesion_ids
    independent = len(np.unique(lesions)) == len(lesions)
    intervals = {}
    for name, (hit, among) in proportions(predictions, decided).items():
        hits = int((hit & among).sum())
        if independent:
            intervals[name] = wilson(hits, int(among.sum()))
        elif hits in (0, int(among.sum())):
            count = len(np.unique(lesions[among]))
            intervals[name] = wilson(count if hits else 0, count)
    return intervals
