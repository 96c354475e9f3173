"""What losses on features have in common."""

from __future__ import annotations

import torch

from imbalance_derm.errors import InputError
from imbalance_derm.losses.contract import LossContext


def features_of(context: LossContext, loss: str) -> torch.Tensor:
    """Return the features (n, d) that `loss`, a registered name, cannot do without.

    Raises
    ------
    InputError
        The context has none.
    """
    if context.features is None:
        raise InputError(
            f"loss {loss} works on features, and none were given; use a loss on logits here, "
            "such as --loss ce"
        )
    return context.features
