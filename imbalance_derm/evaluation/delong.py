"""DeLong's test for two AUCs of two models on the same images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, rankdata

from imbalance_derm.errors import InputError
from imbalance_derm.evaluation.intervals import LEVEL
from imbalance_derm.evaluation.predictions import Predictions, require_pairs
from imbalance_derm.evaluation.seed_comparison import POWER, detectable_in_family
from imbalance_derm.experiment.record import Figure


@dataclass(frozen=True, slots=True)
class DeLong:
    """Two AUCs compared.

    Attributes
    ----------
    difference : Figure
        AUC of the first minus that of the second, with its 95 % interval.
    standard_error : float
    p_value : float
        Two-sided, that the two AUCs are equal.
    detectable : float
        The smallest true difference that would have been found at 5 % with a chance of 80 %: 2.8
        standard errors. nan where the p-value is.
    """

    difference: Figure
    standard_error: float
    p_value: float
    detectable: float

    def detectable_in_family(self, tests: int) -> float:
        """Return what `detectable` becomes where the test is one of a family of so many."""
        return detectable_in_family(self.detectable, None, tests)


def delong(first: Predictions, second: Predictions) -> DeLong:
    """Compare the AUCs of two fixed models in a two-class problem.

    Parameters
    ----------
    first, second : Predictions
        Of the same images in the same order.

    Raises
    ------
    InputError
        There are not two classes, a class has fewer than two images, or the images, their
        labels, lesions or the classes differ.
    RunError
        There is no image, or a probability is not finite.

    Notes
    -----
    It takes the images as independent, and the trained models as given. Several photographs of
    a lesion violate the first, other training seeds are no part of the second: the bootstrap of
    :mod:`imbalance_derm.evaluation.comparison` draws lesions and seeds.

    Where no resampled image could change the difference (both models separate the classes
    without error, or err on every pair), the standard error is 0: the p-value is 1 for equal
    AUCs, and for unequal ones there is no interval and the p-value is nan.

    References
    ----------
    DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44:837. Computed by midranks as in Sun
    and Xu 2014, IEEE Signal Processing Letters 21:1389, in n log n.

    Examples
    --------
    >>> ids, labels = np.array(list("abcdef")), np.array([0, 0, 0, 1, 1, 1])
    >>> p, q = np.array([0.1, 0.2, 0.6, 0.5, 0.7, 0.9]), np.array([0.1, 0.8, 0.6, 0.5, 0.7, 0.4])
    >>> said = [
    ...     Predictions(ids, ids, labels, np.stack([1 - s, s], 1), ("benign", "malignant"))
    ...     for s in (p, q)
    ... ]
    >>> found = delong(*said)
    >>> round(found.difference.value, 3), round(found.p_value, 3)
    (0.444, 0.157)
    """
    require_pairs(first, second)
    positive = first.labels == 1
    if len(first.classes) != 2:
        raise InputError(
            f"DeLong's test compares AUCs of two classes, not of {len(first.classes)}; use the "
            "paired bootstrap"
        )
    if min(positive.sum(), (~positive).sum()) < 2:
        raise InputError(
            "DeLong's test needs at least two images of each class, found "
            f"{(~positive).sum()} of {first.classes[0]} and {positive.sum()} of {first.classes[1]}"
        )
    ours, theirs = (
        structural_components(said.probabilities[:, 1], positive) for said in (first, second)
    )
    difference = float(ours[0].mean() - theirs[0].mean())
    # The variance of the differences is what their covariance matrix gives for the contrast.
    variance = sum(
        np.var(own - other, ddof=1) / len(own) for own, other in zip(ours, theirs, strict=True)
    )
    error = float(np.sqrt(variance))
    # Components that are all equal have a variance of 0 up to rounding.
    if error < 1e-12:
        equal = difference == 0
        ends = (0.0, 0.0) if equal else (None, None)
        nothing = float("nan")
        return DeLong(
            Figure(difference, *ends), 0.0, *((1.0, 0.0) if equal else (nothing, nothing))
        )
    reach = norm.ppf(1 - (1 - LEVEL) / 2)
    margin = reach * error
    return DeLong(
        Figure(difference, float(difference - margin), float(difference + margin)),
        error,
        float(2 * norm.sf(abs(difference) / error)),
        float((reach + norm.ppf(POWER)) * error),
    )


def structural_components(
    scores: np.ndarray, positive: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return DeLong's structural components; the mean of either is the AUC.

    Parameters
    ----------
    scores : ndarray of float, shape (n,)
        Higher means more likely positive.
    positive : ndarray of bool, shape (n,)

    Returns
    -------
    of_positives : ndarray of float64, shape (positives,)
        Share of the negatives that each positive scores above, equal scores counting half.
    of_negatives : ndarray of float64, shape (negatives,)
        Share of the positives that score above each negative.

    Examples
    --------
    >>> scores, positive = np.array([0.9, 0.4, 0.4]), np.array([True, True, False])
    >>> [component.tolist() for component in structural_components(scores, positive)]
    [[1.0, 0.5], [0.75]]
    """
    ranks = rankdata(scores)
    above, below = ranks[positive], ranks[~positive]
    m, n = len(above), len(below)
    of_positives = (above - rankdata(scores[positive])) / n
    of_negatives = 1.0 - (below - rankdata(scores[~positive])) / m
    return of_positives, of_negatives
