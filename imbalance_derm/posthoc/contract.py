"""What is done to logits after training: fitted on validation, applied to everything."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np


@dataclass(frozen=True, eq=False)
class PosthocContext:
    """All that a method may know besides validation logits and labels.

    Attributes
    ----------
    real_counts, fed_counts : ndarray of float64, shape (classes,)
        Class counts of the real training images, and of one pass of what was fed.
    weight, bias : ndarray of float64, shapes (classes, d) and (classes,), or None
        The linear layer behind the logits; None for a head that has none.
    """

    real_counts: np.ndarray
    fed_counts: np.ndarray
    weight: np.ndarray | None = None
    bias: np.ndarray | None = None


class Posthoc(ABC):
    """Maps logits to better ones. Keyword-only arguments are the parameters."""

    presets: ClassVar[dict[str, dict[str, Any]]] = {}

    @abstractmethod
    def fit(self, logits: np.ndarray, labels: np.ndarray, context: PosthocContext) -> None:
        """Learn from validation.

        Parameters
        ----------
        logits : ndarray of float64, shape (n, classes)
        labels : ndarray of int64, shape (n,)
        context : PosthocContext

        Raises
        ------
        InputError
            The method does not work with this head or this number of classes.
        """

    @abstractmethod
    def apply(self, logits: np.ndarray) -> np.ndarray:
        """Return new logits, float64 (n, classes); their softmax are the probabilities."""

    def facts(self) -> dict[str, Any]:
        """Return what was learned, for the record: JSON-able."""
        return {}
