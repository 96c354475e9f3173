"""From stored samples to what a model takes."""

from __future__ import annotations

import numpy as np
import torch


def to_inputs(samples: np.ndarray, device: torch.device) -> torch.Tensor:
    """Move samples to the device: images become float in [0, 1], channels first.

    Every image, real or synthetic, goes through this one line of scaling.

    Parameters
    ----------
    samples : ndarray
        uint8 (n, s, s, 3) images, or float32 (n, d) embeddings.

    Returns
    -------
    Tensor
        float32 (n, 3, s, s), channels-last in memory; or float32 (n, d).

    Examples
    --------
    >>> to_inputs(np.full((1, 2, 2, 3), 255, np.uint8), torch.device("cpu")).max().item()
    1.0
    """
    # A slice of a read-only memory map has to be copied before PyTorch takes it.
    samples = np.require(samples, requirements=("C", "W"))
    tensor = torch.from_numpy(samples).to(device, non_blocking=True)
    if tensor.dtype == torch.uint8:
        return tensor.permute(0, 3, 1, 2).float() / 255
    return tensor.float()
