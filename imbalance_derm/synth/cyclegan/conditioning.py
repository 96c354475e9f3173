"""Networks that are told the domain: one for each, or one for all that reads a label.

A domain is a number: 0 is the source class, 1 and on are the target classes. Generators are
called as ``generators(images, domain)`` and give images of that domain; discriminators as
``judges(images, domain)`` and score whether images are real ones of that domain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import nn

from imbalance_derm.synth.cyclegan.schedule import SOURCE


class PerDomain(nn.Module):
    """A network of its own for each domain.

    Parameters
    ----------
    build : callable without arguments
        Makes a network.
    domains : iterable of int
        Domains that there are networks for.

    Examples
    --------
    >>> networks = PerDomain(nn.Identity, [0, 1])
    >>> networks(torch.ones(2, 3, 4, 4), 1).shape
    torch.Size([2, 3, 4, 4])
    """

    def __init__(self, build: Callable[[], nn.Module], domains: Iterable[int]) -> None:
        super().__init__()
        self.networks = nn.ModuleDict({str(domain): build() for domain in domains})

    def forward(self, images: torch.Tensor, domain: int) -> torch.Tensor:
        """Return what the network of `domain` makes of `images`, float32."""
        return self.networks[str(domain)](images).float()

    def target_weights(self) -> dict[str, torch.Tensor]:
        """Return the weights of the networks for target domains."""
        back = f"networks.{SOURCE}."
        return {k: v for k, v in self.state_dict().items() if not k.startswith(back)}


class LabelPlanes(nn.Module):
    """One generator for all domains, told which by planes behind the image.

    Choi et al. 2018, arXiv 1711.09020, section 3.1: the target label is repeated over the image
    and concatenated to it.

    Parameters
    ----------
    network : Module
        Takes images with as many planes as there are domains.
    domains : int

    Examples
    --------
    >>> LabelPlanes(nn.Identity(), 2)(torch.zeros(1, 3, 4, 4), 1)[0, :, 0, 0]
    tensor([0., 0., 0., 0., 1.])
    """

    def __init__(self, network: nn.Module, domains: int) -> None:
        super().__init__()
        self.network = network
        self.domains = domains

    def forward(self, images: torch.Tensor, domain: int) -> torch.Tensor:
        """Return `images` (n, 3, size, size) in the manner of `domain`, float32."""
        planes = images.new_zeros(len(images), self.domains, *images.shape[2:])
        planes[:, domain] = 1
        return self.network(torch.cat([images, planes], dim=1)).float()

    def target_weights(self) -> dict[str, torch.Tensor]:
        """Return the weights: one network makes every domain."""
        return self.state_dict()


Generators = PerDomain | LabelPlanes


class LabelScore(nn.Module):
    """One discriminator for all domains, with a score for each.

    Choi et al. 2020, arXiv 1912.01865, section 3: a branch for each domain on shared layers, of
    which the label's is read.

    Parameters
    ----------
    network : Module
        Gives scores (n, domains, h, w).

    Examples
    --------
    >>> LabelScore(nn.Identity())(torch.arange(3.0).view(1, 3, 1, 1), 2)
    tensor([[[[2.]]]])
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor, domain: int) -> torch.Tensor:
        """Return the scores (n, 1, h, w) of `images` as members of `domain`, float32."""
        return self.network(images)[:, domain : domain + 1].float()
