"""Training: the loss, the average of the weights, and a loop that goes on after a kill."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from diffusers.training_utils import EMAModel
from torch import nn

from imbalance_derm.errors import RunError
from imbalance_derm.synth.diffusion.schedule import add_noise, loss_weights, training_target
from imbalance_derm.synth.pixels import to_tensor
from imbalance_derm.training.context import State, TrainingContext, seed_step

Network = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
"""``network(noisy, timesteps, labels)`` gives a prediction of the shape of `noisy`."""
Batches = Callable[[int], tuple[torch.Tensor, torch.Tensor]]
"""``batches(step)`` gives clean samples in [-1, 1], float32, and their labels, int64."""

CURVE_POINTS = 500
_LARGEST_GRADIENT = 1.0


@dataclass(frozen=True)
class Plan:
    """How long and how to train.

    Attributes
    ----------
    steps : int
    learning_rate : float
        Of Adam, after the warm-up.
    warmup : int
        Steps over which the learning rate rises linearly.
    ema : float
        Decay of the moving average of the weights, reached along (1 + n) / (10 + n).
    label_dropout : float
        Share of samples that are trained under the null label.
    snr_gamma : float
        Of min-SNR weighting; 0 turns it off.
    """

    steps: int
    learning_rate: float
    warmup: int
    ema: float
    label_dropout: float
    snr_gamma: float

    def rate(self, step: int) -> float:
        """Return the learning rate of step `step`, counted from 0."""
        return self.learning_rate * min(1.0, (step + 1) / (self.warmup + 1))


def drop_labels(labels: torch.Tensor, null_label: int, rate: float) -> torch.Tensor:
    """Replace each label by the null label with probability `rate`.

    Ho and Salimans 2022, algorithm 1: one network learns both the conditional and the
    unconditional score.
    """
    dropped = torch.rand(labels.shape, device=labels.device) < rate
    return labels.masked_fill(dropped, null_label)


def diffusion_loss(
    network: Network,
    process: DDPMScheduler,
    weights: torch.Tensor,
    clean: torch.Tensor,
    labels: torch.Tensor,
    autocast: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> torch.Tensor:
    """Return the weighted squared error at a random timestep of each sample.

    Parameters
    ----------
    network : callable
    process : DDPMScheduler
        See :func:`make_process`.
    weights : tensor of float32, shape (timesteps,)
        See :func:`loss_weights`.
    clean : tensor of float32, shape (n, channels, height, width)
    labels : tensor of int64, shape (n,)
    autocast : callable
        The precision of the network; the loss is float32.
    """
    timesteps = torch.randint(len(weights), (len(clean),), device=clean.device)
    noise = torch.randn_like(clean)
    noisy = add_noise(process, clean, noise, timesteps)
    with autocast():
        prediction = network(noisy, timesteps, labels)
    target = training_target(process, clean, noise, timesteps)
    errors = (prediction.float() - target).square().flatten(1).mean(dim=1)
    return (weights[timesteps] * errors).mean()


def train(
    network: nn.Module,
    batches: Batches,
    process: DDPMScheduler,
    plan: Plan,
    null_label: int,
    context: TrainingContext,
) -> list[dict[str, float]]:
    """Train `network` in place and leave it with the moving average of its weights.

    Parameters
    ----------
    network : Module
        Called as :data:`Network` says.
    batches : callable
    process : DDPMScheduler
    plan : Plan
    null_label : int
        Label that stands for no class.
    context : TrainingContext
        An interrupted training goes on from ``context.checkpoint`` to the same numbers.

    Returns
    -------
    list of dict
        The curve: ``step`` and the mean ``loss`` since the point before.

    Raises
    ------
    RunError
        The loss is no longer a number.
    """
    accelerator, device = context.accelerator, context.accelerator.device
    network.to(device)
    fused = device.type in {"cpu", "cuda"}
    adam = torch.optim.Adam(network.parameters(), lr=plan.learning_rate, fused=fused)
    average = EMAModel(network.parameters(), decay=plan.ema, foreach=True)
    prepared, optimizer = accelerator.prepare(network, adam)
    weights = loss_weights(process, plan.snr_gamma).to(device)
    stretch = math.ceil(plan.steps / CURVE_POINTS)
    first, points, summed = 0, [], torch.zeros((), device=device)

    state: Any = context.checkpoint.load()
    if state is not None:
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        average.shadow_params = [value.to(device) for value in state["average"]]
        first = average.optimization_step = state["step"]
        points, summed = list(state["points"]), state["summed"].to(device)

    prepared.train()
    for step in range(first, plan.steps):
        seed_step(context.seed, step)
        clean, labels = batches(step)
        labels = drop_labels(labels, null_label, plan.label_dropout)
        for group in optimizer.param_groups:
            group["lr"] = plan.rate(step)
        loss = diffusion_loss(prepared, process, weights, clean, labels, context.autocast)
        optimizer.zero_grad(set_to_none=True)
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(network.parameters(), _LARGEST_GRADIENT)
        optimizer.step()
        average.step(network.parameters())

        done = step + 1
        summed += loss.detach()
        if done % stretch == 0:
            # One transfer per stretch: reading a loss makes the host wait for the device.
            points.append({"step": done, "loss": _finite(float(summed) / stretch, done)})
            summed.zero_()
            context.progress(done, plan.steps, {"loss": points[-1]["loss"]})
        if context.checkpoint.due():
            context.checkpoint.save(
                State(
                    step=done,
                    network=network.state_dict(),
                    optimizer=optimizer.state_dict(),
                    average=average.shadow_params,
                    points=points,
                    summed=summed,
                )
            )
    average.copy_to(network.parameters())
    return points


def image_batches(
    samples: np.ndarray,
    labels: np.ndarray,
    size: int,
    seed: int,
    flips: bool,
    device: torch.device,
) -> Batches:
    """Return batches of images; each image is seen once before any is seen again.

    Parameters
    ----------
    samples : ndarray of uint8, shape (n, side, side, 3)
    labels : ndarray of int64, shape (n,)
    size : int
        Images in a batch.
    seed : int
        Together with the step it determines the batch.
    flips : bool
        Whether each image is mirrored left to right and top to bottom, each with
        probability 1/2: dermoscopy has no upright.
    device : torch.device

    Examples
    --------
    >>> images, labels = np.zeros((3, 4, 4, 3), np.uint8), np.array([0, 0, 1])
    >>> batches = image_batches(images, labels, 2, 0, True, torch.device("cpu"))
    >>> [tuple(part.shape) for part in batches(0)]
    [(2, 3, 4, 4), (2,)]
    """

    def draw(step: int) -> tuple[torch.Tensor, torch.Tensor]:
        passes, places = np.divmod(np.arange(step * size, (step + 1) * size), len(labels))
        orders = {
            number: np.random.default_rng((seed, int(number))).permutation(len(labels))
            for number in np.unique(passes)
        }
        rows = [orders[number][place] for number, place in zip(passes, places, strict=True)]
        # A stream of its own: (seed, number) above orders the passes.
        steps = np.random.default_rng((seed, step, 1)).choice([1, -1], (size, 2))
        if not flips:
            steps[:] = 1
        images = np.stack(
            [samples[row][::down, ::right] for row, (down, right) in zip(rows, steps, strict=True)]
        )
        return to_tensor(images, device), torch.from_numpy(labels[rows]).to(device)

    return draw


def _finite(loss: float, step: int) -> float:
    if not math.isfinite(loss):
        raise RunError(
            f"the diffusion model diverged: its loss is {loss} at step {step}; lower "
            "synth.learning_rate or raise synth.warmup"
        )
    return loss
