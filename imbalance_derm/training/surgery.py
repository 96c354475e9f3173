"""Gradient surgery between tasks."""

from __future__ import annotations

import numpy as np
import torch


def project(
    values: torch.Tensor, parameters: list[torch.nn.Parameter], rng: np.random.Generator
) -> None:
    """Set the gradients of the sum of `values`, conflicts between the tasks projected away.

    For each task i and, in random order, every other task j with ``g_i . g_j < 0``:
    ``g_i <- g_i - (g_i . g_j) / ||g_j||^2 g_j``; the sum of all ``g_i`` is the gradient. The
    gradients are those of the parameters that more than one task depends on; others have the
    plain sum.

    Parameters
    ----------
    values : Tensor of shape (tasks,)
    parameters : list of Parameter
        Their ``grad`` is set.
    rng : Generator
        Of the order of tasks.

    References
    ----------
    Yu et al. 2020, "Gradient Surgery for Multi-Task Learning" (PCGrad), arXiv 2001.06782,
    algorithm 1.

    Examples
    --------
    >>> weight = torch.nn.Parameter(torch.zeros(2))
    >>> tasks = torch.stack([weight[0], weight[1] - weight[0]])  # gradients (1, 0) and (-1, 1)
    >>> project(tasks, [weight], np.random.default_rng(0))
    >>> weight.grad
    tensor([0.5000, 1.5000])
    """
    tasks = [
        torch.autograd.grad(value, parameters, retain_graph=True, allow_unused=True)
        for value in values
    ]
    # A task of a stacked vector has zeros, not None, for what only the others depend on.
    none = torch.zeros((), dtype=torch.bool, device=values.device)
    used = [torch.stack([none if g is None else g.any() for g in task]) for task in tasks]
    shared = torch.stack(used).sum(dim=0).gt(1).nonzero().flatten().tolist()
    flat = [_flatten([g[k] for k in shared], [parameters[k] for k in shared]) for g in tasks]
    total = torch.zeros_like(flat[0])
    for i, own in enumerate(flat):
        gradient = own.clone()
        for j in rng.permutation(len(flat)):
            dot = gradient @ flat[j]
            if j != i and dot < 0:
                gradient -= dot / (flat[j] @ flat[j]) * flat[j]
        total += gradient
    at = 0
    for k, parameter in enumerate(parameters):
        if k in shared:
            parameter.grad = total[at : at + parameter.numel()].view_as(parameter)
            at += parameter.numel()
        else:
            parts = [g[k] for g in tasks if g[k] is not None]
            parameter.grad = sum(parts[1:], start=parts[0]) if parts else None


def _flatten(
    gradients: list[torch.Tensor | None], parameters: list[torch.nn.Parameter]
) -> torch.Tensor:
    pairs = zip(gradients, parameters, strict=True)
    parts = [torch.zeros_like(p).flatten() if g is None else g.flatten() for g, p in pairs]
    return torch.cat(parts) if parts else torch.zeros(0)
