"""Learnable weight scaling (LWS)."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from imbalance_derm.sampling.class_balanced import ClassBalanced
from imbalance_derm.schedule.adapters import AdapterStage, ClassScales
from imbalance_derm.schedule.step import Parts


class LearnableWeightScaling(AdapterStage):
    """Learn one factor per class of the trained head: ``s[c] * (w[c] . x + b[c])``.

    Freezes backbone and head; re-initialises nothing; trains the factors, which start at 1, with
    the class-balanced sampler and the run's loss and mixer.

    Parameters
    ----------
    share : float
        Of the run's optimiser updates, relative to the shares of the other stages.
    learning_rate : float
        Factor on the run's learning rate.

    Notes
    -----
    As in the authors' code the whole logit is scaled; in the paper's equation there is no bias.
    They train the factors with SGD at a rate of 0.2. A run's rate is one at which Adam
    fine-tunes a backbone; each update moves a factor by that rate at most, hence 100 times it.

    References
    ----------
    Kang et al. 2020, "Decoupling Representation and Classifier for Long-Tailed Recognition",
    arXiv 1910.09217, section 4.

    Examples
    --------
    >>> LearnableWeightScaling.freezes
    ('backbone', 'head')
    """

    freezes = ("backbone", "head")

    def __init__(
        self,
        *,
        share: Annotated[float, Field(gt=0)] = 1.0,
        learning_rate: Annotated[float, Field(gt=0)] = 100.0,
    ) -> None:
        super().__init__(share, learning_rate)

    def make_adapter(self, classes: int, features: int) -> ClassScales:
        """Return factors of 1."""
        return ClassScales(classes)

    def parts(self, parts: Parts) -> Parts:
        """Return the run's parts with the class-balanced sampler."""
        return replace(parts, sampler=ClassBalanced())
