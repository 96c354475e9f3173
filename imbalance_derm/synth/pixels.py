"""The one fixed map between 8-bit images and the range of generative networks."""

from __future__ import annotations

import numpy as np
import torch


def to_tensor(images: np.ndarray, device: torch.device) -> torch.Tensor:
    """Map uint8 (n, size, size, 3) to float32 (n, 3, size, size) in [-1, 1].

    Examples
    --------
    >>> to_tensor(np.full((1, 2, 2, 3), 255, np.uint8), torch.device("cpu")).max().item()
    1.0
    """
    tensor = torch.from_numpy(np.ascontiguousarray(images)).to(device)
    return tensor.permute(0, 3, 1, 2).contiguous().float() / 127.5 - 1


def to_images(tensor: torch.Tensor) -> np.ndarray:
    """Map [-1, 1] back to uint8 by one fixed line, the same for every image.

    Examples
    --------
    >>> to_images(torch.tensor([-1.0, 0.0, 1.0]).view(1, 3, 1, 1)).ravel().tolist()
    [0, 128, 255]
    """
    scaled = ((tensor.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return scaled.permute(0, 2, 3, 1).contiguous().cpu().numpy()
