"""What happened in a training, and the best look at validation."""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass
class History:
    """What happened so far; part of the checkpoint.

    Attributes
    ----------
    updates, losses : list
        Update numbers and the mean training loss since the entry before.
    looks : list of (update, figure)
        Every look at the validation set.
    start : int
        Update at which the present stage began: only looks after it compete.
    taken : int
        Optimiser updates that were taken; an early stop leaves out what is left of a stage.
    """

    updates: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    looks: list[list[float]] = field(default_factory=list)
    start: int = 0
    taken: int = 0

    @property
    def looks_of_stage(self) -> list[list[float]]:
        """The looks of the present stage."""
        return [look for look in self.looks if look[0] > self.start]

    @property
    def best(self) -> tuple[int, float]:
        """Update and figure of the best look of the stage; the earliest of equals."""
        # A diverged model gives NaN, which must lose against everything.
        update, figure = max(
            self.looks_of_stage,
            key=lambda look: (-math.inf if math.isnan(look[1]) else look[1], -look[0]),
        )
        return int(update), figure

    def stalled(self, patience: int) -> bool:
        """Whether the stage's last `patience` looks brought nothing better; 0 is endless."""
        if not patience or not self.looks_of_stage:
            return False
        return sum(1 for update, _ in self.looks if update > self.best[0]) >= patience

    def plateaus(self, patience: int) -> int:
        """Return how often in the stage `patience` looks in a row brought nothing better.

        Each time is counted once, and the looks after it are counted anew.

        Examples
        --------
        >>> looks = [[1, 0.5], [2, 0.4], [3, 0.5], [4, 0.3], [5, 0.2]]
        >>> History(looks=looks).plateaus(2)
        2
        """
        best, waited, found = -math.inf, 0, 0
        for _, figure in self.looks_of_stage:
            if figure > best:
                best, waited = figure, 0
                continue
            waited += 1
            if waited == patience:
                waited, found = 0, found + 1
        return found

    def figures(self) -> dict[str, float]:
        """Return the latest loss and validation figure, to show."""
        loss = {"loss": self.losses[-1]} if self.losses else {}
        return {**loss, "validation": self.looks[-1][1]} if self.looks else loss
