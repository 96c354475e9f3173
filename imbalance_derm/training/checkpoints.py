"""Training state in one safetensors file, without pickle."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from imbalance_derm.experiment.files import replacing
from imbalance_derm.training.context import State

_TENSOR = "__tensor__"


def save_state(path: Path, state: State) -> None:
    """Write nested dicts and lists of tensors and plain values, atomically.

    Dict keys may be str or int; ints come back as ints.
    """
    tensors: dict[str, torch.Tensor] = {}

    def strip(value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            name = str(len(tensors))
            # A copy: safetensors refuses tensors that share memory.
            tensors[name] = value.detach().to("cpu", copy=True).contiguous()
            return {_TENSOR: name}
        if isinstance(value, dict):
            return {"__items__": [[key, strip(item)] for key, item in value.items()]}
        if isinstance(value, list | tuple):
            return [strip(item) for item in value]
        return value

    plain = json.dumps(strip(state))
    with replacing(path) as temporary:
        save_file(tensors, temporary, metadata={"state": plain})


def load_state(path: Path) -> State:
    """Read what :func:`save_state` wrote; tensors are on the CPU.

    Raises
    ------
    OSError, safetensors.SafetensorError
        The file cannot be read.
    """
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        plain = json.loads(file.metadata()["state"])

    def fill(value: Any) -> Any:
        if isinstance(value, dict):
            if _TENSOR in value:
                return tensors[value[_TENSOR]]
            return {key: fill(item) for key, item in value["__items__"]}
        if isinstance(value, list):
            return [fill(item) for item in value]
        return value

    state: State = fill(plain)
    return state


class FileCheckpoint:
    """A checkpoint in a folder, due every few seconds.

    Parameters
    ----------
    folder : Path
    every : float
        Seconds between saves.
    """

    def __init__(self, folder: Path, every: float) -> None:
        self.path = folder / "state.safetensors"
        self.every = every
        self.last = time.monotonic()

    def load(self) -> State | None:
        """Return the last saved state, or None."""
        return load_state(self.path) if self.path.is_file() else None

    def save(self, state: State) -> None:
        """Replace the saved state, atomically."""
        save_state(self.path, state)
        self.last = time.monotonic()

    def due(self) -> bool:
        """Whether enough time has passed since the last save."""
        return time.monotonic() - self.last >= self.every
