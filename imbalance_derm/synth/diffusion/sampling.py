"""Sampling: noise of its own for each sample, classifier-free guidance, and a solver's loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import torch
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler

from imbalance_derm.synth.diffusion.schedule import clean_from
from imbalance_derm.synth.diffusion.training import Network

Sampler = Literal["ddim", "dpm++"]
Solver = DDIMScheduler | DPMSolverMultistepScheduler
PredictClean = Callable[[torch.Tensor, int], torch.Tensor]
"""``predict(noisy, timestep)`` gives x_0, clamped to [-1, 1]."""


@dataclass(frozen=True)
class Trajectory:
    """Which way from noise to an image.

    Attributes
    ----------
    sampler : {"ddim", "dpm++"}
        DDIM with eta 0 (Song et al. 2021, eq. 12), or DPM-Solver++(2M) (Lu et al. 2022).
    steps : int
        From pure noise; a path that starts further on takes its share of them.
    """

    sampler: Sampler
    steps: int

    def solver(self, process: DDPMScheduler) -> Solver:
        """Return a fresh solver for the forward process `process`, with its timesteps set.

        It is given x_0 and not the network's prediction, which so can be clamped, and held
        where a region is kept, before it is used.
        """
        solver: Solver = _SOLVERS[self.sampler](
            num_train_timesteps=process.config["num_train_timesteps"],
            beta_schedule=process.config["beta_schedule"],
            prediction_type="sample",
            # From pure noise at the last timestep (Lin et al. 2024, table 2).
            timestep_spacing="trailing",
        )
        solver.set_timesteps(self.steps)
        return solver


_SOLVERS: dict[Sampler, Callable[..., Solver]] = {
    "ddim": partial(DDIMScheduler, clip_sample=False),
    "dpm++": partial(DPMSolverMultistepScheduler, algorithm_type="dpmsolver++", solver_order=2),
}


def draw_noise(
    shape: tuple[int, ...], seed: int, label: int, indices: Iterable[int]
) -> torch.Tensor:
    """Return standard normal noise, float32 (n, *shape), on the CPU.

    Each sample's is a function of (seed, label, index) alone: neither the size of a chunk nor
    the device changes it.

    Examples
    --------
    >>> alone, among = draw_noise((2,), 0, 1, [7]), draw_noise((2,), 0, 1, [6, 7])
    >>> torch.equal(alone[0], among[1])
    True
    """
    noise = []
    for index in indices:
        state = np.random.SeedSequence((seed, label, int(index))).generate_state(1, np.uint64)
        generator = torch.Generator().manual_seed(int(state[0] >> np.uint64(1)))
        noise.append(torch.randn(shape, generator=generator))
    return torch.stack(noise)


def guide(conditional: torch.Tensor, unconditional: torch.Tensor, guidance: float) -> torch.Tensor:
    """Return the guided prediction (Ho and Salimans 2022, eq. 6, with guidance = 1 + w)."""
    return unconditional + guidance * (conditional - unconditional)


def make_predictor(
    network: Network,
    process: DDPMScheduler,
    labels: torch.Tensor,
    null_label: int,
    guidance: float,
    autocast: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> PredictClean:
    """Return x_0 as a function of a noised batch and its timestep, with guidance.

    Parameters
    ----------
    network : callable
    process : DDPMScheduler
    labels : tensor of int64, shape (n,)
        Classes to be made.
    null_label : int
    guidance : float
        1 asks the network under the label only; above, both with and without in one pass.
    autocast : callable
        The precision of the network; all else is float32.
    """
    # As plain numbers: reading one of a tensor makes the host wait for the device.
    signal = process.alphas_cumprod.tolist()
    both = torch.cat([labels, torch.full_like(labels, null_label)])

    def predict(noisy: torch.Tensor, timestep: int) -> torch.Tensor:
        asked, under = (noisy, labels) if guidance == 1 else (torch.cat([noisy, noisy]), both)
        timesteps = torch.full((len(asked),), timestep, device=noisy.device)
        with autocast():
            prediction = network(asked, timesteps, under)
        prediction = prediction.float()
        if guidance != 1:
            with_label, without = prediction.chunk(2)
            prediction = guide(with_label, without, guidance)
        return clean_from(process, prediction, noisy, signal[timestep])

    return predict


@torch.inference_mode()
def solve(predict: PredictClean, noisy: torch.Tensor, solver: Solver, skip: int) -> torch.Tensor:
    """Go from `noisy` to x_0 along the solver's timesteps.

    Parameters
    ----------
    predict : callable
    noisy : tensor of float32, shape (n, channels, height, width)
        At the noise level of the first timestep that is not skipped.
    solver : Solver
        Fresh, with its timesteps set; they are on the CPU.
    skip : int
        Timesteps at the noisy end that are left out.

    Returns
    -------
    tensor of float32, the shape of `noisy`
        In [-1, 1]: the last x_0, where the path ends.
    """
    clean = noisy
    for timestep in solver.timesteps[skip:].tolist():
        clean = predict(noisy, timestep)
        noisy = solver.step(clean, timestep, noisy, return_dict=False)[0]
    return clean


def generate(
    predict: PredictClean, process: DDPMScheduler, noise: torch.Tensor, trajectory: Trajectory
) -> torch.Tensor:
    """Make samples from noise alone; shapes as in :func:`solve`."""
    return solve(predict, noise, trajectory.solver(process), skip=0)
