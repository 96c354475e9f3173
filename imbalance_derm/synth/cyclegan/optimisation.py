"""Adam with the state that a checkpoint keeps of it, and the average of a generator's weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from accelerate import Accelerator
from torch import nn


def make_adam(network: nn.Module, accelerator: Accelerator) -> torch.optim.Adam:
    """Return Adam with Zhu et al.'s beta1 of 0.5, fused where the device can."""
    fused = accelerator.device.type in {"cpu", "cuda"}
    return torch.optim.Adam(network.parameters(), betas=(0.5, 0.999), fused=fused)


def adam_state(adam: torch.optim.Adam) -> list[dict[str, Any]]:
    """Return the moments and the step counter of every parameter, in order."""
    return [dict(adam.state.get(p, {})) for p in adam.param_groups[0]["params"]]


def restore_adam(
    adam: torch.optim.Adam, moments: list[dict[str, Any]], device: torch.device
) -> None:
    """Go on from what :func:`adam_state` returned."""
    for parameter, saved in zip(adam.param_groups[0]["params"], moments, strict=True):
        # Only a fused Adam counts its steps on the device.
        counter = device if adam.defaults["fused"] else torch.device("cpu")
        adam.state[parameter] = {
            name: value.to(counter if name == "step" else device, copy=True)
            for name, value in saved.items()
        }


def warmed_average(
    decay: float,
) -> Callable[[Sequence[torch.Tensor], Sequence[torch.Tensor], torch.Tensor | int], None]:
    """Return the step of an exponential moving average, for ``AveragedModel(multi_avg_fn=)``.

    The decay of the n-th average is ``min(decay, (1 + n) / (10 + n))``: at a fixed decay the
    random start would weigh most in a training shorter than a few times ``1 / (1 - decay)``.

    Parameters
    ----------
    decay : float
        In (0, 1).

    Examples
    --------
    >>> average, weight = torch.zeros(1), torch.ones(1)
    >>> warmed_average(0.999)([average], [weight], 8)
    >>> average
    tensor([0.5000])
    """

    @torch.no_grad()
    def step(
        averages: Sequence[torch.Tensor], weights: Sequence[torch.Tensor], n: torch.Tensor | int
    ) -> None:
        count = float(n)
        now = min(decay, (1 + count) / (10 + count))
        torch._foreach_lerp_(list(averages), list(weights), 1 - now)

    return step
