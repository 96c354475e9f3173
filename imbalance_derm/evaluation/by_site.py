"""The figures of a lesion classifier, body site by body site."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from imbalance_derm.errors import InputError
from imbalance_derm.evaluation.decision import Decision
from imbalance_derm.evaluation.evaluate import evaluate
from imbalance_derm.evaluation.intervals import RESAMPLES
from imbalance_derm.evaluation.predictions import Predictions, require_finite
from imbalance_derm.experiment.record import Figure


@dataclass(frozen=True)
class SiteEvaluation:
    """What predictions are worth at one body site.

    Attributes
    ----------
    site : str
    images, lesions : int
    balanced_accuracy, auc : Figure
        Over all classes of the task (`auc` macro where there are more than two): nan where the
        site lacks one of them.
    sensitivity : dict of str to Figure
        Share of each class that is decided to be it, for the classes that the site has.
    """

    site: str
    images: int
    lesions: int
    balanced_accuracy: Figure
    auc: Figure
    sensitivity: dict[str, Figure]


def evaluate_by_site(
    predictions: Predictions,
    sites: np.ndarray,
    site_names: Sequence[str],
    decision: Decision,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[SiteEvaluation]:
    """Return the figures of each body site that has images, in the order of `site_names`.

    Parameters
    ----------
    predictions : Predictions
    sites : ndarray of int64, shape (n,)
        Index into `site_names`; images whose site is missing (-1) count nowhere.
    site_names : sequence of str
    decision : Decision
        The one rule of the run; no site has its own.
    resamples, seed : int
        Of the bootstrap.

    Raises
    ------
    InputError
        There is not one known index or -1 per image.
    RunError
        There is no image, or a probability is not finite.

    Notes
    -----
    The intervals are those of :func:`imbalance_derm.evaluation.evaluate.evaluate` on the images
    of the site: lesions of the site are drawn, and a share of independent images, such as a
    sensitivity where every lesion has one photograph, has Wilson's interval. They are not
    adjusted for the number of sites.

    Examples
    --------
    >>> from imbalance_derm.evaluation.decision import ARGMAX
    >>> ids = np.array(["a", "b", "c", "d"])
    >>> p = np.array([0.1, 0.2, 0.3, 0.8])
    >>> said = Predictions(
    ...     ids, ids, np.array([0, 0, 1, 1]), np.stack([1 - p, p], 1), ("benign", "malignant")
    ... )
    >>> found = evaluate_by_site(said, np.array([1, 0, 0, 0]), ("back", "face"), ARGMAX, 100)
    >>> [(each.site, each.images, each.balanced_accuracy.value) for each in found]
    [('back', 3, 0.75), ('face', 1, nan)]
    >>> found[1].sensitivity["benign"].value
    1.0
    """
    require_finite(predictions)
    unknown = (sites < -1) | (sites >= len(site_names))
    if len(sites) != len(predictions.labels) or unknown.any():
        raise InputError(
            f"{len(sites)} site indices for {len(predictions.labels)} images and "
            f"{len(site_names)} site names; give one per image, -1 where the site is missing"
        )
    return [
        _at_site(_rows(predictions, sites == index), name, decision, resamples, seed)
        for index, name in enumerate(site_names)
        if (sites == index).any()
    ]


def _at_site(
    predictions: Predictions, site: str, decision: Decision, resamples: int, seed: int
) -> SiteEvaluation:
    figures = evaluate(predictions, decision, resamples, seed).figures
    names = [f"sensitivity/{label}" for label in predictions.classes]
    if len(predictions.classes) == 2:
        names = ["specificity", "sensitivity"]
    return SiteEvaluation(
        site=site,
        images=len(predictions.labels),
        lesions=len(np.unique(predictions.lesion_ids)),
        balanced_accuracy=figures["balanced_accuracy"],
        auc=figures["auc"],
        sensitivity={
            label: figures[name]
            for index, (label, name) in enumerate(zip(predictions.classes, names, strict=True))
            if (predictions.labels == index).any()
        },
    )


def _rows(predictions: Predictions, chosen: np.ndarray) -> Predictions:
    return Predictions(
        predictions.image_ids[chosen],
        predictions.lesion_ids[chosen],
        predictions.labels[chosen],
        predictions.probabilities[chosen],
        predictions.classes,
    )
