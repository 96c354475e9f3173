"""What tells a translation that failed: its output is its input, or its discriminator has won."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from imbalance_derm.synth.cyclegan.curve import Point
from imbalance_derm.synth.cyclegan.losses import LossWeights
from imbalance_derm.synth.cyclegan.schedule import Schedule

IMAGES = 64
"""Source images at most that are translated for the check."""

MOVED = 0.05
"""Share of the difference between real images of two classes below which nothing was changed.

A translation of ISIC 2016 at the small budget of the demo, at 0.048, moved no score of a
classifier that saw real images only; one of phantom, at 0.12, did.
"""

FOOLED = 0.8
"""Adversarial loss of a direction above which the generator has no say; 1: all known as fake."""

CAUGHT = 0.05
"""Discriminator loss of a direction below which it knows real from translated, 0 at best."""

_LAST = 0.1


@dataclass(frozen=True)
class Figures:
    """How the translation to one class went.

    Attributes
    ----------
    moved : float
        Mean absolute difference between a translation and its source, in grey levels of 255.
    apart : float
        The same between real images of the two classes.
    adversarial, discriminator : float
        Least-squares losses of one direction, mean over the last tenth of training. 0.25 each
        where the discriminator is undecided; 1 and 0 where it has won.
    """

    moved: float
    apart: float
    adversarial: float
    discriminator: float


def examine(
    originals: np.ndarray, translations: np.ndarray, others: np.ndarray, curve: list[Point]
) -> Figures:
    """Compute the figures.

    Parameters
    ----------
    originals, translations : ndarray of uint8, shape (n, size, size, 3)
        Real images of the source class and what the generator made of them.
    others : ndarray of uint8, shape (m, size, size, 3)
        Real images of the target class, paired with `originals` in turn.
    curve : list of dict
        Losses summed over the two directions, as training recorded them.

    Examples
    --------
    >>> black, white = np.zeros((1, 2, 2, 3), np.uint8), np.full((1, 2, 2, 3), 255, np.uint8)
    >>> examine(black, black + 3, white, [{"adversarial": 0.5, "discriminator": 0.5}])
    Figures(moved=3.0, apart=255.0, adversarial=0.25, discriminator=0.25)
    """
    last = curve[-math.ceil(_LAST * len(curve)) :]
    paired = others[np.arange(len(originals)) % len(others)]
    losses = (
        float(np.mean([point[term] for point in last])) / 2
        for term in ("adversarial", "discriminator")
    )
    return Figures(_difference(translations, originals), _difference(paired, originals), *losses)


def remedies(
    weights: LossWeights, schedule: Schedule, spectral_norm: bool, steps: int
) -> tuple[str, str]:
    """Return what to try against output that equals input, and against a winning discriminator.

    Parameters
    ----------
    weights : LossWeights
    schedule : Schedule
    spectral_norm : bool
        Whether the discriminators have it.
    steps : int
        Updates that the class has had.

    Examples
    --------
    >>> plan = Schedule(0, 1, 2e-4, 0.5, 50, diffaugment="color")
    >>> remedies(LossWeights(10.0), plan, spectral_norm=True, steps=400)[0]
    'try --set synth.steps=800 or --set synth.cycle_weight=5'
    """
    longer = [f"--set synth.steps={2 * steps}"]
    if weights.cycle:
        longer.append(f"--set synth.cycle_weight={weights.cycle / 2:g}")
    rate = (schedule.discriminator_learning_rate or schedule.learning_rate) / 2
    weaker = [f"--set synth.discriminator_learning_rate={rate:g}"]
    if not spectral_norm:
        weaker.append("--set synth.spectral_norm=true")
    if schedule.diffaugment == "none":
        weaker.append("--set synth.diffaugment=color,translation,cutout")
    return "try " + " or ".join(longer), "try " + " or ".join(weaker)


def warn(name: str, figures: Figures, against_copy: str, against_winner: str) -> list[str]:
    """Return a line for each fault that `figures` show.

    Parameters
    ----------
    name : str
        The class that was translated to.
    figures : Figures
    against_copy, against_winner : str
        What :func:`remedies` says.
    """
    lines = []
    if figures.moved < MOVED * figures.apart:
        lines.append(
            f"class '{name}': the output of the generator equals its input: they differ by "
            f"{figures.moved:.2f} grey levels on average, {figures.moved / figures.apart:.1%} of "
            f"the {figures.apart:.1f} between real images of the two classes (bound {MOVED:.0%}); "
            f"{against_copy}"
        )
    if figures.adversarial > FOOLED and figures.discriminator < CAUGHT:
        lines.append(
            f"class '{name}': the discriminator has won: over the last tenth of training its loss "
            f"is {figures.discriminator:.3f} (bound {CAUGHT}; undecided 0.25) and the generator's "
            f"adversarial loss {figures.adversarial:.2f} (bound {FOOLED}; undecided 0.25); "
            f"{against_winner}"
        )
    return lines


def _difference(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(np.float32) - other.astype(np.float32)).mean())
