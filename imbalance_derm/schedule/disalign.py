"""Distribution alignment (DisAlign)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Annotated

from pydantic import Field

from imbalance_derm.losses.class_weights import inverse_frequency_weights
from imbalance_derm.losses.cross_entropy import CrossEntropy
from imbalance_derm.losses.reweighted import Reweighted
from imbalance_derm.schedule.adapters import AdapterStage, AdaptiveCalibration
from imbalance_derm.schedule.step import Parts


class DistributionAlignment(AdapterStage):
    """Calibrate the logits of the trained model to balanced classes.

    With logits z and features x: ``t * (a[c] * z[c] + b[c]) + (1 - t) * z[c]``, where the
    confidence ``t = sigmoid(v . x + u)`` says how far an example is calibrated. The loss is
    cross-entropy weighted by ``r[c] ** -rho``, r being the frequencies of the classes.

    Freezes backbone and head; re-initialises nothing; trains a, b, v and u with that loss, and
    with the run's sampler and mixer.

    Parameters
    ----------
    share : float
        Of the run's optimiser updates, relative to the shares of the other stages.
    learning_rate : float
        Factor on the run's learning rate.
    rho : float
        0 aligns with the training set, 1 with balanced classes; more favours rare ones.

    Notes
    -----
    The frequencies are those of the images that are fed, so that a balancing sampler is not
    corrected for a second time. The calibration is the identity at the start; in the
    authors' code it begins at ``(1 + t) * z``, and v at 0.1, with which the confidence of a
    backbone of many positive features would be 1 for good. They train with SGD at 0.1; for the
    factor on the rate see :class:`imbalance_derm.schedule.lws.LearnableWeightScaling`.

    References
    ----------
    Zhang et al. 2021, "Distribution Alignment: A Unified Framework for Long-tail Visual
    Recognition", arXiv 2103.16370; rho 1.2 is that of their code for ImageNet-LT.

    Examples
    --------
    >>> DistributionAlignment().rho
    1.2
    """

    freezes = ("backbone", "head")

    def __init__(
        self,
        *,
        share: Annotated[float, Field(gt=0)] = 1.0,
        learning_rate: Annotated[float, Field(gt=0)] = 100.0,
        rho: Annotated[float, Field(ge=0)] = 1.2,
    ) -> None:
        super().__init__(share, learning_rate)
        self.rho = rho

    def make_adapter(self, classes: int, features: int) -> AdaptiveCalibration:
        """Return a calibration that changes nothing."""
        return AdaptiveCalibration(classes, features)

    def parts(self, parts: Parts) -> Parts:
        """Return the run's parts with the generalised re-weighting loss."""
        weights = partial(inverse_frequency_weights, power=self.rho)
        return replace(parts, loss=Reweighted(CrossEntropy(), weights, "fed"))
