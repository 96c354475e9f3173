"""The network: a new class-conditional UNet2DModel, or one that diffusers has trained before."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import torch
from diffusers.models.unets.unet_2d import UNet2DModel
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from huggingface_hub import snapshot_download
from torch import nn

from imbalance_derm.errors import InputError

_FILES = ["config.json", "unet/*", "scheduler/*", "diffusion_pytorch_model*"]
"""What is fetched of a repository on the hub."""


class Denoiser(nn.Module):
    """A UNet2DModel as a plain function of noised images, timesteps and labels.

    Parameters
    ----------
    unet : UNet2DModel
        With a class embedding; its last entry is the null label.
    """

    def __init__(self, unet: UNet2DModel) -> None:
        super().__init__()
        self.unet = unet

    def forward(
        self, noisy: torch.Tensor, timesteps: torch.Tensor, labels: torch.Tensor
    ) -> torch.Tensor:
        """Map (n, 3, size, size), (n,) and (n,) to a prediction of shape (n, 3, size, size)."""
        prediction: torch.Tensor = self.unet(
            noisy, timesteps, class_labels=labels, return_dict=False
        )[0]
        return prediction


def build_unet(
    size: int, classes: int, channels: Sequence[int], layers_per_block: int, attention: bool
) -> UNet2DModel:
    """Return a new class-conditional network for images of `size` pixels.

    Parameters
    ----------
    size : int
    classes : int
        The class embedding has one entry more, for the null label of classifier-free guidance.
    channels : sequence of int
        Widths from the full resolution down; each next one has half the side.
    layers_per_block : int
        Residual blocks at each resolution.
    attention : bool
        Whether there is self-attention at the lowest resolution.

    Examples
    --------
    >>> unet = build_unet(16, 3, (8, 16), 1, attention=False)
    >>> unet.class_embedding.num_embeddings
    4
    """
    above = len(channels) - 1
    down, up = ("AttnDownBlock2D", "AttnUpBlock2D") if attention else ("DownBlock2D", "UpBlock2D")
    return UNet2DModel(
        sample_size=size,
        block_out_channels=tuple(channels),
        layers_per_block=layers_per_block,
        down_block_types=("DownBlock2D",) * above + (down,),
        up_block_types=(up,) + ("UpBlock2D",) * above,
        add_attention=attention,
        # At least four channels to a group: what is added to each channel for the timestep and
        # the class comes before a group norm, which would take it out of a group of one.
        norm_num_groups=math.gcd(32, *(width // 4 for width in channels)),
        num_class_embeds=classes + 1,
    )


def check_size(unet: UNet2DModel, size: int) -> None:
    """Check that the side of the images can be halved as often as the network does.

    Raises
    ------
    InputError
    """
    factor = 2 ** (len(unet.config["block_out_channels"]) - 1)
    if size % factor:
        raise InputError(
            f"this diffusion network takes images whose side divides by {factor}, not {size} px; "
            "change data.image_size or synth.channels"
        )


def pretrained_unet(start_from: str, classes: int) -> UNet2DModel:
    """Return a network that was trained before, with a class embedding for our classes.

    A class embedding of another size is replaced; a new one starts at zero, so that the
    network at first says for every label what it said before. All else is kept.

    Parameters
    ----------
    start_from : str
        Folder or hub name of a diffusers pipeline with a UNet2DModel, or of such a model.
    classes : int

    Raises
    ------
    InputError
        There is no such model, or it is not for images of three channels.
    """
    before = _read(start_from, _local(start_from))
    config = dict(before.config)
    channels = config["in_channels"], config["out_channels"]
    if channels != (3, 3):
        raise InputError(
            f"synth.start_from='{start_from}' has {channels[0]} input and {channels[1]} output "
            "channels; a UNet2DModel with 3 and 3 is needed"
        )
    weights = before.state_dict()
    embedding = weights.get("class_embedding.weight")
    if embedding is not None and len(embedding) == classes + 1:
        return before
    unet = UNet2DModel.from_config(config, num_class_embeds=classes + 1, class_embed_type=None)
    kept = {k: v for k, v in weights.items() if not k.startswith("class_embedding.")}
    unet.load_state_dict(kept, strict=False)
    nn.init.zeros_(unet.class_embedding.weight)
    return unet


def process_mismatch(start_from: str, process: DDPMScheduler) -> list[str]:
    """Return a warning where a pipeline's own forward process is another than `process`."""
    try:
        theirs = dict(DDPMScheduler.load_config(_local(start_from), subfolder="scheduler"))
    except (OSError, ValueError):
        return []  # a bare model tells nothing of how it was trained
    different = {
        key: theirs[key]
        for key in ("prediction_type", "beta_schedule")
        if theirs.get(key, process.config[key]) != process.config[key]
    }
    if not different:
        return []
    was = ", ".join(f"{key}={value}" for key, value in different.items())
    return [
        f"synth.start_from='{start_from}' was trained with {was}; training goes on with "
        f"prediction_type={process.config['prediction_type']}, "
        f"beta_schedule={process.config['beta_schedule']}: set synth.prediction and "
        "synth.noise_schedule alike to make full use of it"
    ]


def _local(start_from: str) -> str:
    """Return the folder of a model, fetched from the hub unless it is one."""
    folder = Path(start_from).expanduser()
    if folder.is_dir():
        return str(folder)
    try:
        return snapshot_download(start_from, allow_patterns=_FILES)
    except Exception as error:  # the hub's errors have no base of their own
        raise _unusable(start_from, str(error)) from error


def _read(start_from: str, folder: str) -> UNet2DModel:
    reason = "there is no config.json in it, nor in its folder unet"
    for place in (Path(folder) / "unet", Path(folder)):
        if not (place / "config.json").is_file():
            continue
        try:
            kind = UNet2DModel.load_config(place).get("_class_name")
            if kind == "UNet2DModel":
                return UNet2DModel.from_pretrained(place)
            reason = f"it is a {kind}, and a UNet2DModel is needed"
        except (OSError, ValueError, RuntimeError) as error:
            reason = str(error)
    raise _unusable(start_from, reason)


def _unusable(start_from: str, reason: str) -> InputError:
    first = next((line.strip() for line in reason.splitlines() if line.strip()), "unreadable")
    return InputError(
        f"synth.start_from='{start_from}' cannot be loaded: {first.rstrip('.')}; give the folder "
        "of a diffusers UNet2DModel or of its pipeline, a hub name while online, or '' to start "
        "anew"
    )
