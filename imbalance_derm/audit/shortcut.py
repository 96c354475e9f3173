"""Whether real can be told from synthetic, and whether that gives the label away.

A network that is fed real and synthetic images may learn to see which is which, and where only one
class was synthesised that is as good as seeing the lesion. The detector is trained and tested on as
many real images as samples of each class, so that the class itself is of no use to it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from imbalance_derm.audit.folds import deal_folds, fit_logistic
from imbalance_derm.audit.grouped import grouped_share
from imbalance_derm.audit.inputs import CAP, Made, Origins, Real, draw
from imbalance_derm.audit.pixel_evidence import pixel_evidence
from imbalance_derm.evaluation.ranking import auc, thresholds
from imbalance_derm.experiment.record import Figure

FEWEST = 5
"""Real images, and samples, that a class needs to take part."""


@dataclass(frozen=True, slots=True)
class Detection:
    """How well real and synthetic are told apart.

    Attributes
    ----------
    matched : int
        Real images, and as many samples, that were judged out of fold.
    accuracy : Figure or None
        0.5 is chance; groups are lesions, with the samples made of them.
    auc : float or None
    missing : str
        Why nothing is given, or "".
    """

    matched: int
    accuracy: Figure | None
    auc: float | None
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Shortcut:
    """What a small classifier makes of real against synthetic.

    Attributes
    ----------
    pixels : bool
        Whether it saw spectrum and colours of the images besides their features.
    overall : Detection
    by_class : tuple of Detection
    label_auc : dict of str to float
        By class, AUC of "is of this class" among all images fed, for a score that knows of an
        image only what the detector sees of real or synthetic. 0.5 says nothing.
    flag_auc : dict of str to float
        The same for a score that knows for certain what is synthetic.
    """

    pixels: bool
    overall: Detection
    by_class: tuple[Detection, ...]
    label_auc: dict[str, float]
    flag_auc: dict[str, float]


def detect(
    real: Real,
    made: Made,
    origins: Origins,
    classes: tuple[str, ...],
    seed: int,
    fed: np.ndarray | None = None,
) -> Shortcut:
    """Train a small classifier to tell real from synthetic; see what that says of the label.

    Logistic regression on the features and, where there are images, on
    :func:`~imbalance_derm.audit.pixel_evidence.pixel_evidence`, cross-fitted. A lesion and the
    samples made of it share a fold; samples whose sources lie in several folds take no part.

    Parameters
    ----------
    real, made, origins : Real, Made, Origins
    classes : tuple of str
    seed : int
    fed : ndarray of int, shape (classes,), optional
        Samples of each class that a network is fed with, where `made` is a part of them.

    Examples
    --------
    >>> from imbalance_derm.audit.inputs import trace
    >>> rng, ids = np.random.default_rng(0), np.arange(40).astype(str)
    >>> real = Real(rng.normal(size=(40, 3)), None, np.arange(40) % 2, ids, ids)
    >>> made = Made(rng.normal(size=(20, 3)) + 9, None, np.ones(20, int), [()] * 20)
    >>> found = detect(real, made, trace(real, made), ("nv", "mel"), seed=0)
    >>> found.overall.accuracy.value, found.flag_auc["mel"]
    (1.0, 0.75)
    """
    of_real, of_made = _folds(real, origins, seed)
    rows, samples = _matched(
        real.labels, np.where(of_made >= 0, made.labels, -1), len(classes), seed
    )
    labels = np.concatenate([real.labels[rows], made.labels[samples]])
    synthetic = np.repeat([False, True], [len(rows), len(samples)])
    groups = np.concatenate([origins.lesions[rows], origins.groups[samples]])
    features, pixels = _evidence(real, made, rows, samples)
    score = _out_of_fold(features, synthetic, np.concatenate([of_real[rows], of_made[samples]]))

    def detection(chosen: np.ndarray) -> Detection:
        chosen = chosen & np.isfinite(score)
        if len(np.unique(synthetic[chosen])) < 2:
            reason = (
                f"it needs {FEWEST} real images and {FEWEST} samples of one class, of two folds"
            )
            return Detection(0, None, None, reason)
        right = (score[chosen] > 0.5) == synthetic[chosen]
        found = thresholds(score[chosen], synthetic[chosen], np.ones((1, len(right))))
        return Detection(
            int(np.count_nonzero(chosen & ~synthetic)),
            grouped_share(right, groups[chosen], seed),
            float(auc(found)[0]),
        )

    overall = detection(np.ones(len(labels), bool))
    counts = [np.bincount(values, minlength=len(classes)) for values in (real.labels, made.labels)]
    shares = _shares(counts[0], counts[1] if fed is None else np.asarray(fed))
    told = {} if overall.auc is None else label_auc(overall.auc, shares)
    return Shortcut(
        pixels,
        overall,
        tuple(detection(labels == label) for label in range(len(classes))),
        {classes[label]: value for label, value in told.items()},
        {classes[label]: value for label, value in label_auc(1.0, shares).items()},
    )


def label_auc(detector: float, shares: dict[int, tuple[float, float]]) -> dict[int, float]:
    """Return by class the AUC of its label from a score of real against synthetic.

    The detector's own score will not do: any direction in feature space says something of the
    class, even one found between real and real. What counts is how the label follows from being
    synthetic. Of an image of the class and one of another, both real or both synthetic tell
    nothing, and of the rest the detector orders its AUC's share:
    p (1 - q) A + q (1 - p) (1 - A) + (p q + (1 - p) (1 - q)) / 2 = 1/2 + (p - q) (A - 1/2).

    Parameters
    ----------
    detector : float
        A, the AUC of real against synthetic; 1 for certain knowledge.
    shares : dict of int to (float, float)
        By class, the synthetic share p of its images and q of all others.

    Examples
    --------
    >>> label_auc(0.9, {1: (0.5, 0.0)})
    {1: 0.7}
    """
    return {
        label: 0.5 + (own - others) * (detector - 0.5) for label, (own, others) in shares.items()
    }


def _shares(real: np.ndarray, made: np.ndarray) -> dict[int, tuple[float, float]]:
    """Return the synthetic share of each class and of all others, where both have images."""
    both = real + made
    return {
        label: (
            float(made[label] / both[label]),
            float((made.sum() - made[label]) / (both.sum() - both[label])),
        )
        for label in range(len(both))
        if 0 < both[label] < both.sum()
    }


def _matched(
    real: np.ndarray, made: np.ndarray, classes: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draw as many rows of either side from each class that has enough; labels below 0 are out."""
    drawn: list[list[np.ndarray]] = [[np.empty(0, np.int64)], [np.empty(0, np.int64)]]
    for label in range(classes):
        sides = [np.flatnonzero(values == label) for values in (real, made)]
        count = min(CAP, *(len(side) for side in sides))
        if count >= FEWEST:
            for which, side in enumerate(sides):
                drawn[which].append(draw(side, (seed, label, which), count))
    return np.concatenate(drawn[0]), np.concatenate(drawn[1])


def _folds(real: Real, origins: Origins, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the folds of real images and of samples, -1 where sources lie in several folds."""
    of_real = deal_folds(real.labels, origins.lesions, seed)
    of_lesion = np.zeros(origins.lesions.max() + 1, np.int64)
    of_lesion[origins.lesions] = of_real
    lesions = origins.source_lesions
    of_sources = np.where(lesions >= 0, of_lesion[lesions], -1)
    from_noise = np.random.default_rng((seed, 12)).permutation(len(lesions)) % (of_real.max() + 1)
    home = np.where(of_sources[:, 0] >= 0, of_sources[:, 0], from_noise)
    whole = ((of_sources < 0) | (of_sources == home[:, None])).all(axis=1)
    return of_real, np.where(whole, home, -1)


def _evidence(
    real: Real, made: Made, rows: np.ndarray, samples: np.ndarray
) -> tuple[np.ndarray, bool]:
    features = np.concatenate([real.features[rows], made.features[samples]])
    if real.images is None or made.images is None:
        return features, False
    pixels = [pixel_evidence(real.images[rows]), pixel_evidence(made.images[samples])]
    return np.hstack([features, np.concatenate(pixels)]), True


def _out_of_fold(features: np.ndarray, synthetic: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Return the probability of being synthetic, (n,); nan where a fold left nothing to learn."""
    score = np.full(len(features), np.nan)
    for held_out in np.unique(fold):
        test = fold == held_out
        if len(np.unique(synthetic[~test])) == 2:
            model = fit_logistic(features[~test], synthetic[~test].astype(int))
            score[test] = model.predict_proba(np.asarray(features[test], np.float64))[:, 1]
    return score
