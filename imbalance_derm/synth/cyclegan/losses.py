"""The objective of a CycleGAN, term by term (Zhu et al. 2017, section 3 and eq. 3)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F


@dataclass(frozen=True)
class LossWeights:
    """Weights of the cycle and identity terms beside the adversarial term's 1."""

    cycle: float = 10.0
    identity: float = 1.0


def adversarial_loss(scores: torch.Tensor, real: bool) -> torch.Tensor:
    """Return the least-squares loss of patch `scores` that ought to say `real` (1) or not (0).

    Zhu et al. 2017, section 4 "Training details" (from Mao et al. 2017).

    Examples
    --------
    >>> adversarial_loss(torch.tensor([0.0, 0.5]), real=True)
    tensor(0.6250)
    """
    return (scores.float() - float(real)).square().mean()


def discriminator_loss(on_real: torch.Tensor, on_fake: torch.Tensor) -> torch.Tensor:
    """Return half the sum of the least-squares losses on real and translated images."""
    return 0.5 * (adversarial_loss(on_real, True) + adversarial_loss(on_fake, False))


def reconstruction_loss(images: torch.Tensor, originals: torch.Tensor) -> torch.Tensor:
    """Return the mean absolute difference: eq. 2 (cycle) and the identity loss of section 5.2."""
    return F.l1_loss(images.float(), originals.float())
