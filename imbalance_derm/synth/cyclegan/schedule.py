"""With what and for how long a CycleGAN is trained, and whose turn a step is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SOURCE = 0
"""The domain that is translated from."""


@dataclass(frozen=True)
class Schedule:
    """How long and with what generators and discriminators are trained.

    Attributes
    ----------
    steps : int
        Updates of the generators, and as many of the discriminators.
    batch_size : int
        Images of each domain in a step.
    learning_rate : float
        Of Adam with beta1 0.5.
    decay : float
        Last share of the steps over which the rate falls linearly to zero; 0 turns it off.
    image_pool : int
        Translations kept for the discriminators; 0 turns it off.
    discriminator_learning_rate : float
        0: that of the generators.
    diffaugment : str
        Policy of :func:`~imbalance_derm.synth.cyclegan.diffaugment.draw_transform`.
    """

    steps: int
    batch_size: int
    learning_rate: float
    decay: float
    image_pool: int
    discriminator_learning_rate: float = 0.0
    diffaugment: str = "none"

    def rates(self, step: int) -> tuple[float, float]:
        """Return the learning rates of generators and discriminators at `step`, from 0.

        Examples
        --------
        >>> plan = Schedule(10, 1, 1.0, 0.5, 0, discriminator_learning_rate=2.0)
        >>> [plan.rates(step) for step in (0, 5, 6, 9)]
        [(1.0, 2.0), (1.0, 2.0), (0.8, 1.6), (0.2, 0.4)]
        """
        falling = self.decay * self.steps
        share = min(1.0, (self.steps - step) / falling) if falling else 1.0
        other = self.discriminator_learning_rate or self.learning_rate
        return self.learning_rate * share, other * share


@dataclass(frozen=True)
class Domains:
    """The images of a source class and of the classes that it is translated to.

    Attributes
    ----------
    samples : ndarray of uint8, shape (n, size, size, 3)
    rows : tuple of ndarray of int
        Rows of `samples` by domain; the first is the source.
    """

    samples: np.ndarray
    rows: tuple[np.ndarray, ...]

    @property
    def targets(self) -> int:
        """Number of domains beside the source."""
        return len(self.rows) - 1

    def turn(self, step: int) -> tuple[int, int]:
        """Return the target domain of `step`, and how often it had its turn before.

        Examples
        --------
        >>> domains = Domains(np.zeros((3, 8, 8, 3)), tuple(np.arange(3)[:, None]))
        >>> [domains.turn(step) for step in range(4)]
        [(1, 0), (2, 0), (1, 1), (2, 1)]
        """
        before, place = divmod(step, self.targets)
        return place + 1, before
