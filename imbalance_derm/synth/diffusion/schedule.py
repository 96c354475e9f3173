"""The forward process, and what its signal-to-noise ratio says about the training loss."""

from __future__ import annotations

from typing import Literal

import torch
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler

NoiseSchedule = Literal["cosine", "linear"]
Prediction = Literal["epsilon", "v_prediction"]

TIMESTEPS = 1000
"""Steps of the forward process, as in Ho et al. 2020."""

BETA_SCHEDULES: dict[NoiseSchedule, str] = {"cosine": "squaredcos_cap_v2", "linear": "linear"}
"""What diffusers calls the two schedules."""


def make_process(noise_schedule: NoiseSchedule, prediction: Prediction) -> DDPMScheduler:
    """Return the forward process q(x_t | x_0) = N(sqrt(abar_t) x_0, (1 - abar_t) I).

    Parameters
    ----------
    noise_schedule : {"cosine", "linear"}
        Of Nichol and Dhariwal 2021 (eq. 17), or of Ho et al. 2020.
    prediction : {"epsilon", "v_prediction"}
        What the network says: the noise, or v = sqrt(abar) noise - sqrt(1 - abar) x_0
        (Salimans and Ho 2022, section 4).

    Examples
    --------
    >>> make_process("cosine", "epsilon").alphas_cumprod.shape
    torch.Size([1000])
    """
    return DDPMScheduler(
        num_train_timesteps=TIMESTEPS,
        beta_schedule=BETA_SCHEDULES[noise_schedule],
        prediction_type=prediction,
    )


def signal_to_noise(process: DDPMScheduler) -> torch.Tensor:
    """Return SNR(t) = abar_t / (1 - abar_t) for every t, float32 of shape (timesteps,)."""
    signal: torch.Tensor = process.alphas_cumprod
    return signal / (1 - signal)


def loss_weights(process: DDPMScheduler, gamma: float) -> torch.Tensor:
    """Return the weight of the squared error at every timestep, float32 (timesteps,).

    Min-SNR-gamma of Hang et al. 2023 (arXiv 2303.09556, section 3.4): the weight
    min(SNR, gamma) of an error in x_0, carried over to what the network predicts:
    min(SNR, gamma) / SNR for the noise and min(SNR, gamma) / (SNR + 1) for v.

    Parameters
    ----------
    process : DDPMScheduler
    gamma : float
        0 weighs all timesteps alike.

    Examples
    --------
    >>> loss_weights(make_process("linear", "epsilon"), 0.0).unique().tolist()
    [1.0]
    """
    ratio = signal_to_noise(process)
    if gamma == 0:
        return torch.ones_like(ratio)
    over = ratio + 1 if process.config["prediction_type"] == "v_prediction" else ratio
    return ratio.clamp(max=gamma) / over


def add_noise(
    process: DDPMScheduler, clean: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor
) -> torch.Tensor:
    """Return x_t = sqrt(abar_t) x_0 + sqrt(1 - abar_t) noise (Ho et al. 2020, eq. 4).

    Parameters
    ----------
    process : DDPMScheduler
    clean, noise : tensors of float32, shape (n, channels, height, width)
    timesteps : tensor of int64, shape (n,)
    """
    # diffusers annotates int32 and takes any integers.
    return process.add_noise(clean, noise, timesteps)  # type: ignore[arg-type]


def training_target(
    process: DDPMScheduler, clean: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor
) -> torch.Tensor:
    """Return what the network should say of the noised samples: the noise, or v."""
    if process.config["prediction_type"] == "v_prediction":
        return process.get_velocity(clean, noise, timesteps)  # type: ignore[arg-type]
    return noise


def clean_from(
    process: DDPMScheduler, prediction: torch.Tensor, noisy: torch.Tensor, signal: float
) -> torch.Tensor:
    """Return the x_0 that a prediction implies, clamped to [-1, 1].

    Parameters
    ----------
    process : DDPMScheduler
    prediction, noisy : tensors of float32, of one shape
    signal : float
        abar_t at the level of `noisy`, in (0, 1).
    """
    alpha, sigma = signal**0.5, (1 - signal) ** 0.5
    if process.config["prediction_type"] == "v_prediction":
        return (alpha * noisy - sigma * prediction).clamp_(-1, 1)
    return ((noisy - sigma * prediction) / alpha).clamp_(-1, 1)
