"""Weights of the classes, from how often each occurs."""

from __future__ import annotations

import math

import torch


def inverse_frequency_weights(counts: torch.Tensor, power: float) -> torch.Tensor:
    """Return a power of the inverse frequency of each class: ``w[c] = counts[c] ** -power``.

    Parameters
    ----------
    counts : Tensor of shape (classes,)
        Images per class.
    power : float
        1 for the inverse frequency, 1/2 for its square root, 0 for equal weights.

    Returns
    -------
    Tensor of shape (classes,)
        Scaled to sum to the number of classes with images; 0 for a class without.

    Examples
    --------
    >>> inverse_frequency_weights(torch.tensor([3.0, 1.0, 0.0]), power=1.0)
    tensor([0.5000, 1.5000, 0.0000])
    """
    return _scaled(torch.where(counts > 0, counts, 1.0) ** -power, counts > 0)


def effective_number_weights(counts: torch.Tensor, beta: float) -> torch.Tensor:
    """Return the inverse effective number of images of each class.

    ``w[c] = 1 / E[c]`` with ``E[c] = (1 - beta ** counts[c]) / (1 - beta)``: each further image
    of a class adds less that is new.

    Parameters
    ----------
    counts : Tensor of shape (classes,)
        Images per class.
    beta : float
        In [0, 1). 0 weighs all classes alike, towards 1 they weigh by inverse frequency.

    Returns
    -------
    Tensor of shape (classes,)
        Scaled to sum to the number of classes with images; 0 for a class without.

    References
    ----------
    Cui et al. 2019, "Class-Balanced Loss Based on Effective Number of Samples",
    arXiv 1901.05555.

    Examples
    --------
    >>> effective_number_weights(torch.tensor([2.0, 1.0, 0.0]), beta=0.5)
    tensor([0.8000, 1.2000, 0.0000])
    """
    log_beta = math.log(beta) if beta > 0 else -math.inf
    # From the logarithm: in float32, 1 - beta ** n loses most of its digits where beta is near 1.
    effective = -torch.expm1(log_beta * torch.where(counts > 0, counts, 1.0))
    return _scaled(1 / effective, counts > 0)


def _scaled(weights: torch.Tensor, present: torch.Tensor) -> torch.Tensor:
    """Zero the weights of absent classes and let the others sum to their number."""
    weights = torch.where(present, weights, 0.0)
    return weights * (present.sum() / weights.sum())
