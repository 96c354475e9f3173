"""Any optimiser of PyTorch, by its name."""

from __future__ import annotations

from typing import Any

import torch

from imbalance_derm.errors import InputError
from imbalance_derm.registry.manager import suggest

Option = bool | float | list[float]
Groups = list[dict[str, Any]]


def named(
    groups: Groups,
    *,
    algorithm: str = "AdamW",
    options: dict[str, Option] = {},  # noqa: B006 - a schema default, copied
) -> torch.optim.Optimizer:
    """Build an optimiser of ``torch.optim``.

    Parameters
    ----------
    groups : list of dict
        Parameter groups, with their learning rate and weight decay.
    algorithm : str
        Class of ``torch.optim``, such as ``SGD``.
    options : dict of str to bool, float or list of float
        Its other arguments, such as ``{momentum = 0.9, nesterov = true}``.

    Raises
    ------
    InputError
        PyTorch has no such optimiser (the nearest is named), or it takes no such option.

    Examples
    --------
    >>> weight = torch.zeros(2, requires_grad=True)
    >>> type(named([{"params": [weight], "lr": 0.1}], algorithm="SGD")).__name__
    'SGD'
    """
    known = [n for n, c in vars(torch.optim).items() if isinstance(c, type) and n != "Optimizer"]
    if algorithm not in known:
        hint = suggest(algorithm, known)
        raise InputError(f"optimizer.algorithm='{algorithm}' is not in torch.optim{hint}")
    given = {k: tuple(v) if isinstance(v, list) else v for k, v in options.items()}
    try:
        optimizer: torch.optim.Optimizer = getattr(torch.optim, algorithm)(groups, **given)
    except (TypeError, ValueError) as error:
        raise InputError(f"optimizer.options for {algorithm}: {error}") from error
    return optimizer
