"""The stream of rows that a classifier is fed, pass by pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from imbalance_derm.models.contract import Counts
from imbalance_derm.sampling.contract import Sampler, SamplingContext
from imbalance_derm.training.pool import Pool


@dataclass
class RowStream:
    """Rows in the order of a sampler; its place is two integers, a share and the accuracies.

    Attributes
    ----------
    seed : list of int
        Of all passes; streams of one training have different ones.
    number, place : int
        The pass, and how many of its rows are taken.
    progress : float
    class_accuracy : ndarray or None
        What the sampler was told when the pass was drawn.
    process, processes : int
        This process takes every `processes`-th row of a pass, beginning at `process`.
    """

    sampler: Sampler
    pool: Pool
    seed: list[int]
    device: torch.device
    number: int = -1
    place: int = 0
    progress: float = 0.0
    class_accuracy: np.ndarray | None = None
    process: int = 0
    processes: int = 1

    def draw(self) -> None:
        """Draw the present pass; also after a resume."""
        context = SamplingContext(
            self.pool.labels,
            len(self.pool.real.classes),
            self.progress,
            self.class_accuracy,
            self.pool.embeddings,
            self.seed[0],
        )
        rng = np.random.default_rng([*self.seed, self.number])
        order = np.asarray(self.sampler.order(context, rng), dtype=np.int64)
        self.counts: Counts = self.pool.counts(order, self.device)
        self.order = share_of(order, self.process, self.processes)

    def next(
        self, size: int, progress: float, accuracy: Callable[[], np.ndarray | None]
    ) -> np.ndarray:
        """Return the rows of the next batch; what is left of a pass below a batch is dropped."""
        if self.number < 0 or self.place + min(size, len(self.order)) > len(self.order):
            self.number, self.place = self.number + 1, 0
            self.progress, self.class_accuracy = progress, accuracy()
            self.draw()
        rows = self.order[self.place : self.place + size]
        self.place += size
        return rows

    def state(self) -> dict[str, Any]:
        """Return the place, for a checkpoint."""
        accuracy = None if self.class_accuracy is None else torch.from_numpy(self.class_accuracy)
        place = {"number": self.number, "place": self.place, "progress": self.progress}
        return {**place, "class_accuracy": accuracy}

    def go_to(self, state: dict[str, Any]) -> None:
        """Go to the place that :meth:`state` gave."""
        self.number, self.place = state["number"], state["place"]
        self.progress, accuracy = state["progress"], state["class_accuracy"]
        self.class_accuracy = None if accuracy is None else accuracy.numpy()
        self.draw()


def share_of(order: np.ndarray, process: int, processes: int) -> np.ndarray:
    """Return one process's part of a pass: equally many rows each, none taken twice.

    Examples
    --------
    >>> [share_of(np.array([5, 3, 4, 1, 2]), process, 2).tolist() for process in (0, 1)]
    [[5, 4], [3, 1]]
    """
    if len(order) < processes:
        return order
    return order[: len(order) // processes * processes][process::processes]
