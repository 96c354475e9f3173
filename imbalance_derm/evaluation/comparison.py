"""The difference between two models on the same test images."""

from __future__ import annotations

from imbalance_derm.evaluation.decision import Decision
from imbalance_derm.evaluation.intervals import RESAMPLES
from imbalance_derm.evaluation.over_seeds import paired_over_seeds
from imbalance_derm.evaluation.predictions import Predictions
from imbalance_derm.experiment.record import Figure


def paired_difference(
    first: Predictions,
    first_decision: Decision,
    second: Predictions,
    second_decision: Decision,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Figure]:
    """Return every figure of `first` minus that of `second`, with its paired 95 % interval.

    Both are measured on the same draws of lesions, so that what is hard for both in a test set
    cancels: the interval is narrower than those of the two figures suggest. One that lies above
    zero says that the first is higher, for these two trained models.

    Parameters
    ----------
    first, second : Predictions
        Of the same images in the same order.
    first_decision, second_decision : Decision
        Each model's own, chosen on validation.
    resamples, seed : int
        Of the bootstrap.

    Raises
    ------
    InputError
        The images, their labels, lesions or the classes differ.
    RunError
        There is no image, or a probability is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from imbalance_derm.evaluation.decision import ARGMAX
    >>> ids, labels = np.array(["a", "b", "c", "d"]), np.array([0, 0, 1, 1])
    >>> p, q = np.array([0.1, 0.2, 0.3, 0.8]), np.array([0.1, 0.4, 0.3, 0.8])
    >>> classes = ("benign", "malignant")
    >>> better = Predictions(ids, ids, labels, np.stack([1 - p, p], 1), classes)
    >>> worse = Predictions(ids, ids, labels, np.stack([1 - q, q], 1), classes)
    >>> paired_difference(better, ARGMAX, worse, ARGMAX, resamples=100)["auc"].value
    0.25
    """
    found = paired_over_seeds(
        [first], [first_decision], [second], [second_decision], None, resamples, seed
    )
    return {name: comparison.difference for name, comparison in found.items()}
