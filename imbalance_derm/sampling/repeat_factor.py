"""Images of rare classes repeated."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from imbalance_derm.sampling.contract import Sampler, SamplingContext


class RepeatFactor(Sampler):
    """Feed each row ``r[class]`` times a pass, ``r[c] = max(1, sqrt(threshold / f[c]))``.

    ``f[c]`` is the share of class ``c`` among the rows. A row is fed ``floor(r)`` times, and
    once more with the probability of the fraction that is left, drawn for each row anew in each
    pass; the order is random. No row is left out, and a pass is longer than there are rows.

    Parameters
    ----------
    threshold : float or "auto"
        Classes with a smaller share of the rows than this are repeated. ``auto`` is
        ``1 / classes``, the share that each class would have if they were balanced.

    Notes
    -----
    The paper's 1e-3 is for LVIS, where an image has many of more than 1200 categories. A lesion
    has one of a few classes, of which even the rarest is seldom as rare as that: with 1e-3
    nothing would be repeated. ``auto`` carries the idea over; for 1200 classes it is 8e-4. An
    image has one class here, so the paper's maximum over the categories of an image is not
    needed.

    References
    ----------
    Gupta et al. 2019, "LVIS: A Dataset for Large Vocabulary Instance Segmentation",
    arXiv 1908.03195, repeat factor sampling.

    Examples
    --------
    >>> context = SamplingContext(labels=np.array([0] * 28 + [1] * 4), classes=2)
    >>> rows = RepeatFactor().order(context, np.random.default_rng(0))
    >>> np.bincount(context.labels[rows]).tolist()  # sqrt(0.5 / 0.125) = 2
    [28, 8]
    """

    def __init__(
        self,
        *,
        threshold: Annotated[float, Field(gt=0, le=1)] | Literal["auto"] = "auto",
    ) -> None:
        self.threshold = threshold

    def order(self, context: SamplingContext, rng: np.random.Generator) -> np.ndarray:
        """Return each row at least once."""
        labels = context.labels
        threshold = 1 / context.classes if self.threshold == "auto" else self.threshold
        frequency = np.bincount(labels)[labels] / len(labels)
        repeats = np.maximum(1.0, np.sqrt(threshold / frequency))
        whole = np.floor(repeats)
        times = (whole + (rng.random(len(labels)) < repeats - whole)).astype(np.int64)
        return rng.permutation(np.repeat(np.arange(len(labels)), times))
