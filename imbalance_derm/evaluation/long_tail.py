"""Accuracy on the frequent, the less frequent and the rare classes."""

from __future__ import annotations

import numpy as np

from imbalance_derm.evaluation.decision import Decision, decide
from imbalance_derm.evaluation.intervals import RESAMPLES, bootstrap, percentile_interval
from imbalance_derm.evaluation.predictions import Predictions
from imbalance_derm.experiment.record import Figure

GROUPS = ("head", "medium", "tail")


def long_tail_groups(counts: np.ndarray) -> dict[str, list[int]]:
    """Return the classes of each third, by training images; none for fewer than three classes.

    Where the classes are no multiple of three, the head has one more, and then the medium.

    Parameters
    ----------
    counts : ndarray of int, shape (classes,)
        Real training images.

    Examples
    --------
    >>> long_tail_groups(np.array([327, 514, 1099, 115, 1113, 6705, 142]))
    {'head': [5, 4, 2], 'medium': [1, 0], 'tail': [6, 3]}
    """
    if len(counts) < len(GROUPS):
        return {}
    ranked = np.argsort(-counts, kind="stable")
    thirds = np.array_split(ranked, len(GROUPS))
    return {name: classes.tolist() for name, classes in zip(GROUPS, thirds, strict=True)}


def long_tail_accuracy(
    predictions: Predictions,
    decision: Decision,
    counts: np.ndarray,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Figure]:
    """Return the mean sensitivity over the classes of each group, with 95 % intervals.

    Parameters
    ----------
    predictions : Predictions
    decision : Decision
    counts : ndarray of int, shape (classes,)
        Real training images, which make the groups.
    resamples, seed : int
        Of the bootstrap over lesions.

    Returns
    -------
    dict of str to Figure
        ``"head_accuracy"``, ``"medium_accuracy"`` and ``"tail_accuracy"``, as such tables call
        it; nan where the test set lacks a class of the group. Empty for two classes.

    References
    ----------
    Liu et al. 2019, "Large-Scale Long-Tailed Recognition in an Open World", arXiv 1904.05160,
    section 5: many-, medium- and few-shot classes.

    Examples
    --------
    >>> from imbalance_derm.evaluation.decision import ARGMAX
    >>> ids, labels = np.arange(6).astype(str), np.array([0, 0, 1, 1, 2, 2])
    >>> said = Predictions(ids, ids, labels, np.eye(3)[[0, 0, 1, 0, 2, 0]], ("nv", "mel", "df"))
    >>> found = long_tail_accuracy(said, ARGMAX, np.array([90, 9, 1]), resamples=100)
    >>> {name: figure.value for name, figure in found.items()}
    {'head_accuracy': 1.0, 'medium_accuracy': 0.5, 'tail_accuracy': 0.5}
    """
    groups = long_tail_groups(counts)
    if not groups:
        return {}
    classes = len(predictions.classes)
    right = decide(predictions, decision) == predictions.labels
    of_class = np.eye(classes)[predictions.labels]

    def accuracies(weights: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore", divide="ignore"):
            sensitivity = (weights * right) @ of_class / (weights @ of_class)
        return np.stack([sensitivity[:, group].mean(axis=1) for group in groups.values()], axis=1)

    points = accuracies(np.ones((1, len(right))))[0]
    draws = bootstrap(accuracies, predictions.lesion_ids, resamples, seed)
    return {
        f"{name}_accuracy": Figure(float(points[i]), *percentile_interval(draws[:, i]))
        for i, name in enumerate(groups)
    }
