"""What a model said of each image of one split."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from imbalance_derm.errors import InputError, RunError


@dataclass(frozen=True, eq=False)
class Predictions:
    """Predicted probabilities with the truth, aligned row by row.

    Attributes
    ----------
    image_ids, lesion_ids : ndarray of str, shape (n,)
    labels : ndarray of int64, shape (n,)
        Index into `classes`.
    probabilities : ndarray of float64, shape (n, classes)
        Rows sum to 1.
    classes : tuple of str
        In a binary problem the positive class is the last.
    """

    image_ids: np.ndarray
    lesion_ids: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray
    classes: tuple[str, ...]


def require_pairs(first: Predictions, second: Predictions) -> None:
    """Check that two models can be compared image by image.

    Raises
    ------
    InputError
        The images, their labels, lesions or the classes differ.
    RunError
        There is no image, or a probability is not finite.
    """
    for aspect in ("classes", "image_ids", "labels", "lesion_ids"):
        if not np.array_equal(getattr(first, aspect), getattr(second, aspect)):
            raise InputError(
                f"the two sets of predictions differ in {aspect.replace('_', ' ')}: only models "
                "tested on the same images can be paired"
            )
    require_finite(first)
    require_finite(second)


def require_finite(predictions: Predictions) -> None:
    """Check that there is something to evaluate.

    Raises
    ------
    RunError
        There is no image, or a probability is not finite: the training has diverged.
    """
    if len(predictions.labels) == 0:
        raise RunError("there are no predictions to evaluate: the split has no image")
    broken = int((~np.isfinite(predictions.probabilities)).any(axis=1).sum())
    if broken:
        raise RunError(
            f"{broken} of {len(predictions.labels)} images have predicted probabilities that are "
            "not finite: the training diverged; lower its learning rate"
        )
