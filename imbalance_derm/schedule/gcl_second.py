"""The second stage of Gaussian clouded logit adjustment (GCL)."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from imbalance_derm.registry.parameters import create
from imbalance_derm.schedule.contract import TrainingStage
from imbalance_derm.schedule.step import Parts


class ClassifierRebalancing(TrainingStage):
    """Go on with the head alone, classes drawn by their effective number of images.

    Freezes the backbone, statistics of its batch normalisation included; re-initialises nothing;
    trains the head with the effective-number sampler and the run's loss and mixer.

    Parameters
    ----------
    share : float
        Of the run's optimiser updates, relative to the shares of the other stages.
    learning_rate : float
        Factor on the run's learning rate.

    Notes
    -----
    The paper calls it re-training; the authors' code goes on from the first stage's classifier,
    which is done here. Their code multiplies the loss by a focal factor, and its effective number
    has a beta that grows by up to 1e-5 towards the rarest class; neither is done. For the factor
    on the rate see :class:`imbalance_derm.schedule.crt.ClassifierRetraining`.

    References
    ----------
    Li, Cheung and Lu 2022, "Long-tailed Visual Recognition via Gaussian Clouded Logit
    Adjustment", CVPR, arXiv 2305.11733.

    Examples
    --------
    >>> ClassifierRebalancing.freezes, ClassifierRebalancing.reinitialises
    (('backbone',), ())
    """

    freezes = ("backbone",)

    def __init__(
        self,
        *,
        share: Annotated[float, Field(gt=0)] = 1.0,
        learning_rate: Annotated[float, Field(gt=0)] = 10.0,
    ) -> None:
        super().__init__(share, learning_rate)

    def parts(self, parts: Parts) -> Parts:
        """Return the run's parts with the effective-number sampler."""
        return replace(parts, sampler=create("sampler", "effective_number"))
