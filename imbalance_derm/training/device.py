"""Device, mixed precision and threads of this process."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState

from imbalance_derm.errors import InputError
from imbalance_derm.experiment.spec import TrainSection

# Read once: an earlier run in this process may have asked for another number.
_DEFAULT_THREADS = torch.get_num_threads()


def make_accelerator(settings: TrainSection) -> Accelerator:
    """Return an accelerator as `settings` ask for, and fix the number of CPU threads.

    Raises
    ------
    InputError
        The device cannot compute in the precision asked for.
    """
    torch.set_num_threads(settings.threads or _DEFAULT_THREADS)
    # accelerate keeps one state per process; a second run may ask for another precision.
    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()
    on_gpu = torch.cuda.is_available() and settings.device != "cpu"
    precision = settings.precision
    if precision == "auto":
        # bfloat16 on a CPU is no faster than channels-last float32 for these networks.
        precision = ("bf16" if torch.cuda.is_bf16_supported() else "fp16") if on_gpu else "no"
    if precision == "fp16" and not on_gpu:
        raise InputError("train.precision=fp16 needs a CUDA device; use bf16, no or auto")
    return Accelerator(cpu=settings.device == "cpu", mixed_precision=precision)


def generator_precision(settings: TrainSection, accelerator: Accelerator) -> str:
    """Return the precision in which a generative network runs: that of the accelerator, or bf16.

    With ``precision="auto"`` it is bfloat16 on a CPU that has units for it.
    """
    on_cpu = accelerator.device.type == "cpu"
    if settings.precision == "auto" and on_cpu and torch.backends.mkldnn.is_available():
        # Without the units bfloat16 is emulated, several times slower than float32.
        capable = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
        return "bf16" if capable else "no"
    return str(accelerator.mixed_precision)


def generator_autocast(
    settings: TrainSection, accelerator: Accelerator
) -> Callable[[], AbstractContextManager[object]]:
    """Return what :attr:`TrainingContext.autocast` is for these settings."""
    if accelerator.mixed_precision != "no":
        return accelerator.autocast
    if generator_precision(settings, accelerator) == "bf16":
        return partial(torch.autocast, "cpu", torch.bfloat16)
    return nullcontext
