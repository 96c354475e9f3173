"""How far a model's figures hold where the test images are corrupted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from imbalance_derm.evaluation.decision import Decision, decide
from imbalance_derm.evaluation.intervals import RESAMPLES, bootstrap, percentile_interval
from imbalance_derm.evaluation.metrics import measure
from imbalance_derm.evaluation.predictions import Predictions, require_finite
from imbalance_derm.experiment.record import Figure


@dataclass(frozen=True)
class Robustness:
    """One metric on corrupted test images.

    Attributes
    ----------
    clean : Figure
    by_severity : dict of str to list of float
        By corruption, one value for each severity, mildest first.
    by_corruption : dict of str to Figure
        Mean over the severities.
    mean : Figure
        Mean over all corruptions and severities.
    """

    clean: Figure
    by_severity: dict[str, list[float]]
    by_corruption: dict[str, Figure]
    mean: Figure


def robustness(
    clean: Predictions,
    corrupted: Mapping[str, Sequence[Predictions]],
    decision: Decision,
    metrics: Sequence[str],
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Robustness]:
    """Return each metric on clean and on corrupted images, with 95 % intervals over lesions.

    Parameters
    ----------
    clean : Predictions
    corrupted : mapping of str to sequence of Predictions
        By corruption, one for each severity, of the same images in the same order.
    decision : Decision
        Chosen on clean validation images: a deployed threshold does not know of the corruption.
    metrics : sequence of str
        Names as in :func:`imbalance_derm.evaluation.metrics.measure`.
    resamples, seed : int
        Of the bootstrap over lesions.

    Notes
    -----
    Corruptions at five severities, means over them: Hendrycks and Dietterich 2019, arXiv
    1903.12261, section 3. No figure is divided by that of a reference model.

    Examples
    --------
    >>> from imbalance_derm.evaluation.decision import ARGMAX
    >>> ids, labels = np.array(list("abcdefgh")), np.arange(8) % 2
    >>> p = np.where(labels == 1, 0.8, 0.2)
    >>> sure = Predictions(ids, ids, labels, np.stack([1 - p, p], 1), ("benign", "malignant"))
    >>> even = Predictions(ids, ids, labels, np.full((8, 2), 0.5), ("benign", "malignant"))
    >>> found = robustness(sure, {"blur": [sure, even]}, ARGMAX, ["auc"], resamples=100)["auc"]
    >>> found.clean.value, found.by_severity["blur"], found.mean.value
    (1.0, [1.0, 0.5], 0.75)
    """
    conditions = [clean, *(said for severities in corrupted.values() for said in severities)]
    for said in conditions:
        require_finite(said)
    decided = [decide(said, decision) for said in conditions]
    places, at = {}, 1
    for name, severities in corrupted.items():
        places[name] = slice(at, at + len(severities))
        at += len(severities)

    def values(weights: np.ndarray) -> np.ndarray:
        """Every metric under every condition, (b, metrics, conditions)."""
        found = [measure(s, d, weights, metrics) for s, d in zip(conditions, decided, strict=True)]
        return np.stack(
            [np.stack([figures[name] for figures in found], axis=1) for name in metrics], axis=1
        )

    points = values(np.ones((1, len(clean.labels))))[0]
    draws = bootstrap(
        lambda weights: values(weights).reshape(len(weights), -1),
        clean.lesion_ids,
        resamples,
        seed,
    ).reshape(resamples, *points.shape)

    def figure(metric: int, where: slice) -> Figure:
        interval = percentile_interval(draws[:, metric, where].mean(axis=1))
        return Figure(float(points[metric, where].mean()), *interval)

    return {
        name: Robustness(
            figure(m, slice(0, 1)),
            {kind: points[m, where].tolist() for kind, where in places.items()},
            {kind: figure(m, where) for kind, where in places.items()},
            figure(m, slice(1, None)),
        )
        for m, name in enumerate(metrics)
    }
