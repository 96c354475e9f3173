"""Batches as they are."""

from __future__ import annotations

import numpy as np
import torch

from imbalance_derm.sampling.mixing import Mixed, Mixer, MixingContext


class NoMixing(Mixer):
    """Leave every batch as it is."""

    idle = True

    def mix(
        self,
        inputs: torch.Tensor,
        labels: torch.Tensor,
        context: MixingContext,
        rng: np.random.Generator,
    ) -> Mixed | None:
        """Return None."""
        return None
