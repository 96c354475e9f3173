"""Post-hoc logit adjustment."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import Field

from imbalance_derm.posthoc.contract import Posthoc, PosthocContext


class PosthocLogitAdjustment(Posthoc):
    """Take the class prior out of the logits: ``logits - tau * log(prior)``.

    The most likely class then minimises the balanced error, if the logits are those of a model
    trained with plain cross-entropy.

    Parameters
    ----------
    tau : float
        Strength; 1 is consistent for the balanced error, 0 leaves the logits as they are.

    Notes
    -----
    The prior is that of the images that were fed, which is the one that the model learned. What
    already corrected for it in training (logit-adjusted, balanced-softmax or weighted
    cross-entropy) is corrected twice. The probabilities become those of a clinic in which all
    classes are equally frequent.

    A class that was never fed is not raised: a prior of 0 would make it win everywhere. Nothing
    is learned from validation, so that a class missing there changes nothing.

    References
    ----------
    Menon et al. 2021, "Long-tail learning via logit adjustment", arXiv 2007.07314, eq. 9.

    Examples
    --------
    >>> counts = np.array([3.0, 1.0])
    >>> method = PosthocLogitAdjustment()
    >>> method.fit(np.zeros((1, 2)), np.array([0]), PosthocContext(counts, counts))
    >>> method.apply(np.zeros((1, 2))).round(4).tolist()
    [[0.2877, 1.3863]]
    """

    def __init__(self, *, tau: Annotated[float, Field(ge=0)] = 1.0) -> None:
        self.tau = tau
        self.shift: np.ndarray = np.zeros(())

    def fit(self, logits: np.ndarray, labels: np.ndarray, context: PosthocContext) -> None:
        """Take the prior from the counts that were fed."""
        fed = context.fed_counts
        share = np.divide(fed, fed.sum(), out=np.ones_like(fed), where=fed > 0)
        self.shift = -self.tau * np.log(share)

    def apply(self, logits: np.ndarray) -> np.ndarray:
        """Return ``logits - tau * log(prior)``."""
        return logits + self.shift

    def facts(self) -> dict[str, Any]:
        """Return what is added to the logits of each class."""
        return {"shift": self.shift.tolist()}
