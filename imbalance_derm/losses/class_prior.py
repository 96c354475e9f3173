"""The class prior, as losses use it."""

from __future__ import annotations

import torch


def log_prior(counts: torch.Tensor) -> torch.Tensor:
    """Return ``log(counts[c] / sum(counts))``, shape (classes,).

    A class without images has a prior of 1e-12, so that all values are finite.

    Examples
    --------
    >>> log_prior(torch.tensor([3.0, 1.0])).exp()
    tensor([0.7500, 0.2500])
    """
    return (counts / counts.sum()).clamp(min=1e-12).log()
