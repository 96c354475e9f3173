"""Classifier re-training (cRT)."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from imbalance_derm.sampling.class_balanced import ClassBalanced
from imbalance_derm.schedule.contract import TrainingStage
from imbalance_derm.schedule.step import Parts


class ClassifierRetraining(TrainingStage):
    """Learn the head anew on balanced classes, on features that stay as they are.

    Freezes the backbone, statistics of its batch normalisation included; re-initialises the
    head; trains the head with the class-balanced sampler and the run's loss and mixer.

    Parameters
    ----------
    share : float
        Of the run's optimiser updates, relative to the shares of the other stages.
    learning_rate : float
        Factor on the run's learning rate.

    Notes
    -----
    In the authors' code the statistics of the frozen backbone follow the balanced batches. Their
    second stage starts at the rate of the first, which is one for SGD and random weights. A
    run's rate is one at which Adam fine-tunes a backbone; 10 times it is one for a head alone.

    References
    ----------
    Kang et al. 2020, "Decoupling Representation and Classifier for Long-Tailed Recognition",
    arXiv 1910.09217, section 4.

    Examples
    --------
    >>> ClassifierRetraining.freezes, ClassifierRetraining.reinitialises
    (('backbone',), ('head',))
    """

    freezes = ("backbone",)
    reinitialises = ("head",)

    def __init__(
        self,
        *,
        share: Annotated[float, Field(gt=0)] = 1.0,
        learning_rate: Annotated[float, Field(gt=0)] = 10.0,
    ) -> None:
        super().__init__(share, learning_rate)

    def parts(self, parts: Parts) -> Parts:
        """Return the run's parts with the class-balanced sampler."""
        return replace(parts, sampler=ClassBalanced())
