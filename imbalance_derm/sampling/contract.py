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
    class_accuracy : ndarray of float64, shape (classes,), or None
        Running share of each class's fed rows that the model gets right; nan for a class that
        has not been fed yet. None at the first pass.
    samples : ndarray or None
        float32 embeddings (n, d) of the rows where the backbone is frozen; None for images.
    seed : int
        Of the training: the same at every pass.
    """

    labels: np.ndarray
    classes: int
    progress: float = 0.0
    class_accuracy: np.ndarray | None = None
    samples: np.ndarray | None = None
    seed: int = 0


class Sampler(ABC):
    """Decides which rows make the next pass. Keyword-only arguments are the parameters."""

    presets: ClassVar[dict[str, dict[str, Any]]] = {}

    def check(self, embeddings: bool) -> None:  # noqa: B027
        """Check that the sampler can work with what is fed.

        Raises
        ------
        InputError
            It needs embeddings, and images are fed.
        """

    @abstractmethod
    def order(self, context: SamplingContext, rng: np.random.Generator) -> np.ndarray:
        """Return the rows of one pass in order, int64 of any length above zero.

        All randomness comes from `rng`, which is a function of the seed and of the pass.
        What is to stay from pass to pass is drawn by `context.seed` instead.

        Raises
        ------
        InputError
            It needs embeddings, and images are fed.
        """
