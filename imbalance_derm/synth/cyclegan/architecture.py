"""Which networks a CycleGAN is made of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal

from imbalance_derm.synth.cyclegan.conditioning import (
    Generators,
    LabelPlanes,
    LabelScore,
    PerDomain,
)
from imbalance_derm.synth.cyclegan.discriminators import build_discriminator
from imbalance_derm.synth.cyclegan.generators import GeneratorName, build_generator

Models = Literal["per_pair", "shared"]


@dataclass(frozen=True)
class Architecture:
    """The parameters of :class:`~imbalance_derm.synth.cyclegan.synthesizer.CycleGan` on networks.

    Examples
    --------
    >>> small = Architecture("shared", "unet", 2, False, 4, 4, 2, False)
    >>> sum(weight.numel() for weight in small.generators(16, range(3)).parameters())
    1811
    """

    models: Models
    generator: GeneratorName
    blocks: int
    residual: bool
    filters: int
    discriminator_filters: int
    discriminator_blocks: int
    spectral_norm: bool

    def generators(self, size: int, domains: range) -> Generators:
        """Return generators of images of `domains`, the last of which is the last of all."""
        build = partial(
            build_generator, self.generator, self.filters, self.blocks, size, self.residual
        )
        if self.models == "shared":
            return LabelPlanes(build(domains.stop), domains.stop)
        return PerDomain(build, domains)

    def judges(self, size: int, domains: range) -> PerDomain | LabelScore:
        """Return discriminators for images of `domains`."""
        build = partial(
            build_discriminator,
            self.discriminator_filters,
            self.discriminator_blocks,
            size,
            self.spectral_norm,
        )
        if self.models == "shared":
            return LabelScore(build(domains.stop))
        return PerDomain(build, domains)
