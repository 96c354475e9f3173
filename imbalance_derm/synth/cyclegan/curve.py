"""The loss curve of a training, of bounded length."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from imbalance_derm.training.context import State

TERMS = ("generator", "discriminator", "adversarial", "cycle", "identity")
"""Losses in every point of a curve; ``generator`` is the weighted sum of the last three."""

Point = dict[str, float]

_POINTS = 500


@dataclass
class Curve:
    """Losses averaged over equal stretches, at most 500 of them.

    Examples
    --------
    >>> curve = Curve(2, torch.zeros(5))
    >>> curve.add(0, torch.zeros(5))
    >>> curve.add(1, torch.ones(5))["generator"]
    0.5
    """

    stretch: int
    sums: torch.Tensor
    points: list[Point] = field(default_factory=list)

    @classmethod
    def over(cls, steps: int, device: torch.device) -> Curve:
        """Return an empty curve for `steps` steps."""
        return cls(-(-steps // _POINTS), torch.zeros(len(TERMS), device=device))

    def add(self, step: int, losses: torch.Tensor) -> Point | None:
        """Add the losses of one step; return the point that this completes, if it does."""
        self.sums += losses
        if (step + 1) % self.stretch:
            return None
        # One transfer per stretch: reading a loss makes the host wait for the device.
        means = (self.sums / self.stretch).tolist()
        self.points.append({"step": step + 1, **dict(zip(TERMS, means, strict=True))})
        self.sums.zero_()
        return self.points[-1]

    def state(self) -> State:
        """Return all that is needed to go on."""
        return {"sums": self.sums, "points": list(self.points)}

    def restore(self, state: Any) -> None:
        """Go on from what :meth:`state` returned."""
        self.sums.copy_(state["sums"])
        self.points = [dict(point) for point in state["points"]]
