"""How often the model is right about each class, as the training goes on."""

from __future__ import annotations

import numpy as np
import torch
from accelerate import Accelerator

DECAY = 0.99
"""Per update: about the last hundred batches count."""


class RunningAccuracy:
    """Share of the fed rows of each class that the model gets right, recent ones first."""

    def __init__(self, classes: int, accelerator: Accelerator) -> None:
        self.accelerator = accelerator
        # float32: not every device has more.
        self.hits = torch.zeros(2, classes, device=accelerator.device)

    @torch.no_grad()
    def observe(self, logits: torch.Tensor, labels: torch.Tensor) -> None:
        """Take in the logits (n, classes) of a batch."""
        classes = self.hits.shape[1]
        right = labels[logits.argmax(dim=1) == labels]
        counts = [torch.bincount(rows, minlength=classes) for rows in (right, labels)]
        self.hits = DECAY * self.hits + torch.stack(counts)

    def by_class(self) -> np.ndarray | None:
        """Return accuracies, float64 (classes,), nan where nothing was fed; None at the start.

        They are those of all processes together, which would else draw different pools.
        """
        hits: torch.Tensor = self.accelerator.reduce(self.hits, reduction="sum")
        right, seen = hits.cpu().double().numpy()
        if not seen.any():
            return None
        return np.divide(right, seen, out=np.full(len(seen), np.nan), where=seen > 0)

    def state(self) -> torch.Tensor:
        """Return the state, for a checkpoint."""
        return self.hits

    def go_to(self, state: torch.Tensor) -> None:
        """Go to what :meth:`state` gave."""
        self.hits = state.to(self.hits.device)
