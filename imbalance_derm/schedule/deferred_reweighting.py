"""Deferred re-weighting (DRW): rare classes weigh more, once features are learned."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Annotated

from pydantic import Field

from imbalance_derm.losses.class_weights import effective_number_weights
from imbalance_derm.losses.reweighted import Reweighted
from imbalance_derm.schedule.contract import TrainingStage
from imbalance_derm.schedule.step import Parts


class DeferredReweighting(TrainingStage):
    """Go on with everything, the run's loss weighted by the effective number of images.

    ``w[c] = (1 - beta) / (1 - beta ** n[c])`` with ``n[c]`` the images of class c, and the loss of
    an example is ``w[label]`` times the run's loss. Freezes nothing, re-initialises nothing,
    trains everything with the run's sampler and mixer.

    Parameters
    ----------
    share : float
        Of the run's optimiser updates, relative to the shares of the other stages.
    learning_rate : float
        Factor on the run's learning rate.
    beta : float
        0 weighs all classes alike, towards 1 they weigh by inverse frequency.

    Notes
    -----
    The authors divide the learning rate by 100 where the weights set in, with SGD and steps.
    Here a stage has a warm-up and a cosine of its own, whose mean is half of its highest rate,
    and the default budget is short: a factor of 0.1 keeps what was learned and still moves the
    border. The counts are those that the run's loss asks for.

    References
    ----------
    Cao et al. 2019, "Learning Imbalanced Datasets with Label-Distribution-Aware Margin Loss",
    arXiv 1906.07413, section 3.3; beta 0.9999 is theirs.

    Examples
    --------
    >>> DeferredReweighting(share=0.2).learning_rate
    0.1
    """

    def __init__(
        self,
        *,
        share: Annotated[float, Field(gt=0)] = 1.0,
        learning_rate: Annotated[float, Field(gt=0)] = 0.1,
        beta: Annotated[float, Field(ge=0, lt=1)] = 0.9999,
    ) -> None:
        super().__init__(share, learning_rate)
        self.beta = beta

    def parts(self, parts: Parts) -> Parts:
        """Return the run's parts with the loss weighted by class."""
        weights = partial(effective_number_weights, beta=self.beta)
        return replace(parts, loss=Reweighted(parts.loss, weights, parts.loss.counts))
