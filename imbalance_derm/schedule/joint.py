"""The plain stage: everything is trained."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from imbalance_derm.schedule.contract import TrainingStage


class Joint(TrainingStage):
    """Train backbone and head together with the run's loss, sampler and mixer.

    Parameters
    ----------
    share : float
        Of the run's optimiser updates, relative to the shares of the other stages.
    learning_rate : float
        Factor on the run's learning rate.

    Examples
    --------
    >>> Joint(share=0.75).share
    0.75
    """

    def __init__(
        self,
        *,
        share: Annotated[float, Field(gt=0)] = 1.0,
        learning_rate: Annotated[float, Field(gt=0)] = 1.0,
    ) -> None:
        super().__init__(share, learning_rate)
