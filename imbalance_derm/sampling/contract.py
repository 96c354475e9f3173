"""What a sampler is: the order of rows in one pass."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np


@dataclass(frozen=True)
class SamplingContext:
    """All that a sampler may know.

    Attributes
    ----------
    labels : ndarray of int64, shape (n,)
        Classes of the rows that are fed, synthetic ones included.
    classes : int
        Number of classes.
    progress : float
        Share of the training budget that is spent, from 0 to 1.
    """

    labels: np.ndarray
    classes: int
    progress: float = 0.0


class Sampler(ABC):
    """Decides which rows make the next pass. Keyword-only arguments are the parameters."""

    presets: ClassVar[dict[str, dict[str, Any]]] = {}

    @abstractmethod
    def order(self, context: SamplingContext, rng: np.random.Generator) -> np.ndarray:
        """Return the rows of one pass in order, int64 of any length above zero.

        All randomness comes from `rng`, which is a function of the seed and of the pass.
        """
