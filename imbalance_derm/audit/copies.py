"""Do samples differ from the images they were made of? The commonest complaint: they do not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from imbalance_derm.audit.grouped import grouped_mean, grouped_share
from imbalance_derm.audit.inputs import Made, Origins, Real, draw
from imbalance_derm.experiment.record import Figure


@dataclass(frozen=True, slots=True)
class Copies:
    """The samples of one class against their own sources, pixel by pixel.

    Attributes
    ----------
    samples : int
        Those with a source.
    identical : Figure or None
        Share that equals a source in every pixel; groups are the sources.
    difference : Figure or None
        Mean absolute difference from the nearest of the own sources, in grey levels (0 to 255).
    missing : str
        Why nothing is given, or "".
    """

    samples: int
    identical: Figure | None
    difference: Figure | None
    missing: str = ""


def identical_to_source(real: Real, made: Made, origins: Origins, label: int, seed: int) -> Copies:
    """Compare the samples of class `label` with the images they were made of.

    Examples
    --------
    >>> from imbalance_derm.audit.inputs import trace
    >>> images = np.zeros((2, 8, 8, 3), np.uint8)
    >>> ids, labels, features = np.array(["a", "b"]), np.zeros(2, int), np.zeros((2, 1))
    >>> real = Real(features, images, labels, ids, ids)
    >>> made = Made(features, np.stack([images[0], images[1] + 3]), labels, [("a",), ("b",)])
    >>> found = identical_to_source(real, made, trace(real, made), 0, seed=0)
    >>> found.identical.value, found.difference.value
    (0.5, 1.5)
    """
    samples = draw(np.flatnonzero(made.labels == label), (seed, label, 1))
    samples = samples[origins.rows[samples, 0] >= 0]
    if len(samples) == 0:
        return Copies(0, None, None, "no sample was made from an image")
    if real.images is None or made.images is None:
        return Copies(len(samples), None, None, "samples are embeddings, not images")
    nearest = np.empty(len(samples))
    for place, sample in enumerate(samples):
        image = np.asarray(made.images[sample], np.int16)
        nearest[place] = min(
            np.abs(image - real.images[row]).mean() for row in origins.rows[sample] if row >= 0
        )
    groups = origins.groups[samples]
    return Copies(
        len(samples),
        grouped_share(nearest == 0, groups, seed),
        grouped_mean(nearest, groups, seed),
    )
