"""Editing real images: translation by SDEdit, and inpainting that keeps what is known."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler

from imbalance_derm.synth.diffusion.sampling import PredictClean, Trajectory, solve
from imbalance_derm.synth.diffusion.schedule import add_noise

DILATION = 0.03
FEATHER = 0.03
"""Radii, as shares of the image's side, by which a lesion's mask is widened and then faded."""


def translate(
    predict: PredictClean,
    process: DDPMScheduler,
    originals: torch.Tensor,
    noise: torch.Tensor,
    trajectory: Trajectory,
    strength: float,
) -> torch.Tensor:
    """Noise images part of the way and denoise them (SDEdit, Meng et al. 2022, algorithm 1).

    Parameters
    ----------
    predict : callable
        Knows the class that is to be made.
    process : DDPMScheduler
    originals, noise : tensors of float32, shape (n, channels, height, width)
        Images in [-1, 1], and standard normal noise.
    trajectory : Trajectory
    strength : float
        Share of the path that is gone, in (0, 1], rounded to whole steps, at least one.

    Returns
    -------
    tensor of float32, shape (n, channels, height, width), in [-1, 1]
    """
    solver = trajectory.solver(process)
    skip = trajectory.steps - max(1, round(strength * trajectory.steps))
    begin = torch.full((len(originals),), int(solver.timesteps[skip]), device=originals.device)
    return solve(predict, add_noise(process, originals, noise, begin), solver, skip)


def inpaint(
    predict: PredictClean,
    redrawn: torch.Tensor,
    process: DDPMScheduler,
    originals: torch.Tensor,
    noise: torch.Tensor,
    trajectory: Trajectory,
    strength: float,
) -> torch.Tensor:
    """Redraw part of images and keep the rest, seamlessly.

    At every step the known region is replaced by the image noised to that step's level
    (Lugmayr et al. 2022, RePaint, eq. 8, without its resampling). It is written as holding
    x_0 there: as both samplers are deterministic, the known region then *is* the image under
    the noise that it started from, at every level, and DPM-Solver++ keeps a history that
    agrees with it.

    Parameters
    ----------
    predict : callable
    redrawn : tensor of float32, shape (n, 1, height, width)
        How much of each pixel is redrawn, in [0, 1]; see :func:`soft_mask`.
    process, originals, noise, trajectory, strength
        As in :func:`translate`; strength 1 redraws from noise alone.

    Returns
    -------
    tensor of float32, shape (n, channels, height, width), in [-1, 1]
        Equal to `originals` where `redrawn` is 0.
    """

    def hold(noisy: torch.Tensor, timestep: int) -> torch.Tensor:
        return torch.lerp(originals, predict(noisy, timestep), redrawn)

    return translate(hold, process, originals, noise, trajectory, strength)


def soft_mask(masks: torch.Tensor) -> torch.Tensor:
    """Widen lesion masks a little, so that the border is redrawn too, and fade them out.

    Parameters
    ----------
    masks : tensor of bool, shape (n, size, size)

    Returns
    -------
    tensor of float32, shape (n, 1, size, size)
        1 on the lesion, falling to exactly 0 at :func:`margin` pixels from it.

    Examples
    --------
    >>> mask = torch.zeros(1, 9, 9, dtype=torch.bool)
    >>> mask[0, 4, 4] = True
    >>> [round(value, 2) for value in soft_mask(mask)[0, 0, 4].tolist()]
    [0.0, 0.0, 0.33, 0.67, 1.0, 0.67, 0.33, 0.0, 0.0]
    """
    widen, fade = _radii(masks.shape[-1])
    wide = F.max_pool2d(masks[:, None].float(), 2 * widen + 1, stride=1, padding=widen)
    return F.avg_pool2d(wide, 2 * fade + 1, stride=1, padding=fade, count_include_pad=False)


def margin(size: int) -> int:
    """Return how many pixels around a lesion may change in images of `size` pixels."""
    return sum(_radii(size))


def _radii(size: int) -> tuple[int, int]:
    return max(1, round(DILATION * size)), max(1, round(FEATHER * size))
