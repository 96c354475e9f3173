"""What a classifier that was trained on real images only says of the samples.

It is cross-fitted: a sample is judged by a classifier that saw no lesion the sample was made of,
so that a copy of a known image earns nothing. Its own error on real images is told with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.pipeline import Pipeline

from imbalance_derm.audit.folds import deal_folds, fit_logistic
from imbalance_derm.audit.grouped import grouped_mean, grouped_share
from imbalance_derm.audit.inputs import Made, Origins, Real, draw
from imbalance_derm.evaluation.intervals import bootstrap, percentile_interval
from imbalance_derm.experiment.record import Figure


@dataclass(frozen=True, slots=True)
class ClassFidelity:
    """What the classifier says of one class.

    Attributes
    ----------
    recall : Figure or None
        Share of the class's real images that it classifies right, out of fold.
    scored : int
        Samples that a classifier could judge which saw none of their sources.
    intended : Figure or None
        Share of these that it takes for the intended class; groups are the sources.
    probability : Figure or None
        Mean probability of the intended class, all classes being equally likely beforehand.
    translations : int
        Of these, samples made from one image of another class.
    gain : Figure or None
        Probability of the intended class, translation less its own source, paired.
    gap : float or None
        The same probability, mean of real images of the class less mean of the sources: the
        gain of translations that look like the class.
    missing : str
        Why nothing is given, or "".
    """

    recall: Figure | None
    scored: int
    intended: Figure | None
    probability: Figure | None
    translations: int
    gain: Figure | None
    gap: float | None
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the classifier says, class by class, and how good it is.

    Attributes
    ----------
    balanced_accuracy : Figure or None
        On real images, out of fold; groups are the lesions.
    by_class : tuple of ClassFidelity
        One for each class, in order.
    """

    balanced_accuracy: Figure | None
    by_class: tuple[ClassFidelity, ...]


def judge_classes(
    real: Real, made: Made, origins: Origins, classes: tuple[str, ...], seed: int
) -> Judgement:
    """Judge all samples by a classifier of real images.

    Multinomial logistic regression on the features, classes of equal weight, folds of lesions.
    A sample of several sources is judged without any of their folds; one from noise by the mean
    over the classifiers of all folds.

    Examples
    --------
    >>> from imbalance_derm.audit.inputs import trace
    >>> labels = np.arange(40) % 2
    >>> features = np.random.default_rng(0).normal(size=(40, 3)) + 6 * labels[:, None]
    >>> ids = np.arange(40).astype(str)
    >>> real = Real(features, None, labels, ids, ids)
    >>> made = Made(features[:10], None, np.ones(10, int), [()] * 10)
    >>> found = judge_classes(real, made, trace(real, made), ("nv", "mel"), seed=0)
    >>> found.by_class[1].intended.value
    0.5
    """
    lesions = [
        len(np.unique(origins.lesions[real.labels == label])) for label in range(len(classes))
    ]
    usable = [label for label, count in enumerate(lesions) if count >= 2]
    if len(usable) < 2:
        reason = "a classifier needs two classes with two lesions each"
        return Judgement(
            None, (ClassFidelity(None, 0, None, None, 0, None, None, reason),) * len(classes)
        )
    judge = _Judge(real, origins, usable, len(classes), seed)
    recalls, accuracy = judge.own_error()
    found = []
    for label in range(len(classes)):
        if label not in usable:
            reason = f"{lesions[label]} real lesion of the class: it takes two to hold one out"
            found.append(ClassFidelity(None, 0, None, None, 0, None, None, reason))
        else:
            found.append(_judge_class(judge, made, origins, real, label, recalls[label], seed))
    return Judgement(accuracy, tuple(found))


def _judge_class(
    judge: _Judge,
    made: Made,
    origins: Origins,
    real: Real,
    label: int,
    recall: Figure | None,
    seed: int,
) -> ClassFidelity:
    samples = draw(np.flatnonzero(made.labels == label), (seed, label, 1))
    said = judge.probabilities(made.features[samples], origins.source_lesions[samples])
    scored = np.isfinite(said[:, label])
    samples, said = samples[scored], said[scored]
    if len(samples) == 0:
        why = "no sample" if not len(scored) else "no classifier saw none of a sample's sources"
        return ClassFidelity(recall, 0, None, None, 0, None, None, why)
    groups = origins.groups[samples]
    rows = origins.rows[samples]
    translated = (rows[:, 0] >= 0) & (rows[:, 1:] < 0).all(axis=1)
    translated &= real.labels[rows[:, 0]] != label
    sources = rows[translated, 0]
    before = judge.probabilities(
        real.features[sources], origins.source_lesions[samples[translated]]
    )
    return ClassFidelity(
        recall,
        len(samples),
        grouped_share(np.nanargmax(said, axis=1) == label, groups, seed),
        grouped_mean(said[:, label], groups, seed),
        len(sources),
        grouped_mean(said[translated, label] - before[:, label], groups[translated], seed),
        judge.real_probability[label] - float(before[:, label].mean()) if len(sources) else None,
    )


class _Judge:
    """Classifiers of real images, one for each set of folds that has to be held out."""

    def __init__(
        self, real: Real, origins: Origins, usable: list[int], classes: int, seed: int
    ) -> None:
        self.real, self.lesions, self.classes, self.seed = real, origins.lesions, classes, seed
        self.fold = deal_folds(real.labels, origins.lesions, seed)
        self.fold_of_lesion = np.zeros(origins.lesions.max() + 1, np.int64)
        self.fold_of_lesion[origins.lesions] = self.fold
        self.usable = usable
        self.rows = np.concatenate(
            [draw(np.flatnonzero(real.labels == label), (seed, label, 0)) for label in usable]
        )
        self.fitted: dict[frozenset[int], Pipeline | None] = {}

    def without(self, held_out: frozenset[int]) -> Pipeline | None:
        """Return the classifier that saw none of these folds; None where one class is left."""
        if held_out not in self.fitted:
            rows = self.rows[~np.isin(self.fold[self.rows], list(held_out))]
            labels = self.real.labels[rows]
            enough = len(np.unique(labels)) > 1
            self.fitted[held_out] = (
                fit_logistic(self.real.features[rows], labels) if enough else None
            )
        return self.fitted[held_out]

    def say(self, held_out: frozenset[int], features: np.ndarray) -> np.ndarray:
        """Return probabilities, (n, classes); nan for classes this classifier never saw."""
        said = np.full((len(features), self.classes), np.nan)
        model = self.without(held_out)
        if model is not None:
            said[:, model.classes_] = model.predict_proba(np.asarray(features, np.float64))
        return said

    def probabilities(self, features: np.ndarray, source_lesions: np.ndarray) -> np.ndarray:
        """Return what classifiers say that saw none of the sources, (n, classes)."""
        said = np.full((len(features), self.classes), np.nan)
        if not len(features):
            return said
        folds = np.where(source_lesions >= 0, self.fold_of_lesion[source_lesions], -1)
        sets = [frozenset(row[row >= 0].tolist()) for row in folds]
        for held_out in sorted(set(sets), key=sorted):
            place = np.flatnonzero([each == held_out for each in sets])
            if held_out:
                said[place] = self.say(held_out, features[place])
            else:
                each = [
                    self.say(frozenset([fold]), features[place])
                    for fold in range(self.fold.max() + 1)
                ]
                said[place] = np.mean(each, axis=0)
        return said

    def own_error(self) -> tuple[dict[int, Figure | None], Figure]:
        """Return the recall of each class, and balanced accuracy, of real images out of fold."""
        said = self.probabilities(self.real.features[self.rows], self.lesions[self.rows][:, None])
        labels, groups = self.real.labels[self.rows], self.lesions[self.rows]
        self.real_probability = {
            label: float(np.nanmean(said[labels == label, label])) for label in self.usable
        }
        right = np.where(np.isfinite(said), said, -1.0).argmax(axis=1) == labels
        recalls = {
            label: grouped_share(right[labels == label], groups[labels == label], self.seed)
            for label in self.usable
        }
        member = (labels[:, None] == self.usable).astype(np.float64)

        def balanced(weights: np.ndarray) -> np.ndarray:
            drawn = weights @ member
            with np.errstate(invalid="ignore"):
                return ((weights * right) @ member / drawn).mean(axis=1)

        value = float(balanced(np.ones((1, len(labels))))[0])
        interval = percentile_interval(bootstrap(balanced, groups, seed=self.seed))
        return recalls, Figure(value, *interval)
