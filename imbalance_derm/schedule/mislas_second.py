"""The second stage of MiSLAS: a smoothed classifier on balanced classes."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from imbalance_derm.registry.parameters import create
from imbalance_derm.sampling.class_balanced import ClassBalanced
from imbalance_derm.sampling.mixers.none import NoMixing
from imbalance_derm.schedule.adapters import AdapterStage, ClassScales
from imbalance_derm.schedule.step import Parts


class SmoothedRebalancing(AdapterStage):
    """Go on with the head and a factor per class, with label-aware smoothing.

    Freezes the weights of the backbone, while the statistics of its batch normalisation follow
    the balanced batches; re-initialises nothing; trains the head and the factors, which start at
    1, with the class-balanced sampler, label-aware smoothing and no mixing.

    Parameters
    ----------
    share : float
        Of the run's optimiser updates, relative to the shares of the other stages.
    learning_rate : float
        Factor on the run's learning rate.

    Notes
    -----
    mixup belongs to the first stage only, as in the authors' configurations. They train head and
    factors with SGD at 0.1; for the factor on the rate see
    :class:`imbalance_derm.schedule.crt.ClassifierRetraining`. On embeddings of a frozen backbone
    there are no statistics to follow.

    References
    ----------
    Zhong et al. 2021, "Improving Calibration for Long-Tailed Recognition", arXiv 2104.00466,
    section 3.

    Examples
    --------
    >>> SmoothedRebalancing.freezes, SmoothedRebalancing.moves_statistics
    (('backbone',), True)
    """

    freezes = ("backbone",)
    moves_statistics = True

    def __init__(
        self,
        *,
        share: Annotated[float, Field(gt=0)] = 1.0,
        learning_rate: Annotated[float, Field(gt=0)] = 10.0,
    ) -> None:
        super().__init__(share, learning_rate)

    def make_adapter(self, classes: int, features: int) -> ClassScales:
        """Return factors of 1."""
        return ClassScales(classes)

    def parts(self, parts: Parts) -> Parts:
        """Return label-aware smoothing, the class-balanced sampler and no mixer."""
        return Parts(create("loss", "label_aware_smoothing"), ClassBalanced(), NoMixing())
