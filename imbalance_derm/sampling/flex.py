"""Flexible sampling: a pool of rows that grows as the classes' difficulty says."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from imbalance_derm.sampling.contract import Sampler, SamplingContext

_GOLDEN = (5**0.5 - 1) / 2


class Flex(Sampler):
    """Begin with an almost balanced pool of anchors; then let hard classes grow faster.

    With ``n[c]`` rows of class ``c``, its anchors are
    ``a[c] = min(n[c], max(min(n), scaling * max(n)))``: the imbalance ratio becomes `scaling`
    times what it was, but not less than 1. After the warm-up the pool of a class has

    ``m[c] = a[c] + min(1, u * p[c]) * (n[c] - a[c])`` rows, with
    ``u = (progress - warmup) / (1 - warmup)`` and ``p[c] = classes * d[c] / sum(d)``,

    where ``d[c] = 1 - accuracy[c]`` is how hard the class is, and ``classes`` counts those that
    have rows. Where all are equally hard, the pool grows evenly until at the end it has every
    row. A pass is the pool once, in random order.

    Parameters
    ----------
    scaling : float
        Of the imbalance ratio, for the anchors; 0.1 is that of the authors' code.
    warmup : float
        Share of the budget for which the anchors alone are fed; 0.3 is 30 epochs of 100, as in
        the authors' code.

    Notes
    -----
    Anchors are the rows closest to the mean of their class, and the pool grows outwards from
    them. Where images are fed, nothing is known about distances: rows are then taken evenly
    spread over those of their class. Either way the order of a class is the same in all passes.

    A sampler keeps no memory, and it sees no model. It departs from the paper in this:

    - Distances are those of the run's frozen backbone, not of a self-supervised one.
    - Accuracy is that on the rows that were fed lately, not that on validation images. A class
      not fed yet counts as wrong throughout. Without any accuracies (at the first pass, and
      where a mixer leaves no unmixed rows to judge) all classes count as equally hard.
    - The pool grows with the budget, not when the validation accuracy stops rising, and the
      optimiser does not start anew. It is worked out afresh for each pass: a class that has
      become easy gives rows back.
    - Among the rows of a class those that come next are the next closest, not those of which a
      model with dropout is the least sure.

    References
    ----------
    Ju et al. 2022, "Flexible Sampling for Long-tailed Skin Lesion Classification",
    arXiv 2204.03161.

    Examples
    --------
    >>> labels = np.array([0] * 900 + [1] * 100)
    >>> begin = SamplingContext(labels, classes=2)
    >>> later = SamplingContext(labels, 2, progress=0.65, class_accuracy=np.array([0.9, 0.7]))
    >>> for context in (begin, later):  # u * p = 0.5 * 0.5 of 800 rows join the anchors
    ...     print(np.bincount(labels[Flex().order(context, np.random.default_rng(0))]))
    [100 100]
    [300 100]
    """

    def __init__(
        self,
        *,
        scaling: Annotated[float, Field(gt=0, le=1)] = 0.1,
        warmup: Annotated[float, Field(ge=0, lt=1)] = 0.3,
    ) -> None:
        self.scaling = scaling
        self.warmup = warmup

    def order(self, context: SamplingContext, rng: np.random.Generator) -> np.ndarray:
        """Return the rows of the pool, each once."""
        labels = context.labels
        present, counts = np.unique(labels, return_counts=True)
        sizes = self._sizes(counts, _difficulty(context, present), context.progress)
        pool = [
            _outwards(np.flatnonzero(labels == label), context.samples)[:size]
            for label, size in zip(present, sizes, strict=True)
        ]
        return rng.permutation(np.concatenate(pool))

    def _sizes(self, counts: np.ndarray, difficulty: np.ndarray, progress: float) -> np.ndarray:
        """Return how many rows of each class are in the pool, int64 (k,)."""
        bound = max(counts.min(), int(self.scaling * counts.max()))
        anchors = np.minimum(counts, bound)
        spent = max(0.0, progress - self.warmup) / (1 - self.warmup)
        joined = np.minimum(1.0, spent * difficulty / difficulty.mean())
        return anchors + np.rint(joined * (counts - anchors)).astype(np.int64)


def _difficulty(context: SamplingContext, present: np.ndarray) -> np.ndarray:
    """Return one minus the accuracy of each class that has rows; all alike where none is wrong."""
    if context.class_accuracy is None:
        return np.ones(len(present))
    wrong = 1 - np.nan_to_num(context.class_accuracy[present], nan=0.0)
    return wrong if wrong.any() else np.ones(len(present))


def _outwards(members: np.ndarray, samples: np.ndarray | None) -> np.ndarray:
    """Return the rows of a class in the order in which they join its pool."""
    if samples is None:
        # A golden-ratio sequence: any beginning of it is spread evenly over the rows.
        return members[np.argsort(np.arange(len(members)) * _GOLDEN % 1, kind="stable")]
    points = samples[members]
    distances = np.linalg.norm(points - points.mean(axis=0, dtype=np.float64), axis=1)
    return members[np.argsort(distances, kind="stable")]
