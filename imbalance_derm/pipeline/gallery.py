"""Which real and synthetic images a reader is shown; every choice is a function of the seed."""

from __future__ import annotations

import numpy as np

from imbalance_derm.data.lesions import LesionSet
from imbalance_derm.pipeline.synthesis import Synthetic
from imbalance_derm.report.evidence import GalleryRow
from imbalance_derm.synth.samples import SEPARATOR

SHOWN = 8
"""Pictures of each sort and class."""


def gallery(
    training: LesionSet, synthetic: Synthetic | None, rng: np.random.Generator
) -> tuple[GalleryRow, ...]:
    """Return a few real images of each class, and synthetic ones beside their sources."""
    place = {str(image): row for row, image in enumerate(training.image_ids)}
    rows = []
    for label, name in enumerate(training.classes):
        real = some(np.flatnonzero(training.labels == label), SHOWN, rng)
        pairs: list[tuple[np.ndarray | None, np.ndarray]] = []
        if synthetic is not None and synthetic.samples.ndim == 4:
            for row in some(np.flatnonzero(synthetic.labels == label), SHOWN, rng):
                sources = str(synthetic.manifest["sources"].iloc[row]).split(SEPARATOR)
                known = [place[source] for source in sources if source in place]
                source = np.array(training.samples[known[0]]) if len(known) == 1 else None
                pairs.append((source, np.array(synthetic.samples[row])))
        images = tuple(np.array(training.samples[row]) for row in real)
        rows.append(GalleryRow(name, images, tuple(pairs)))
    return tuple(rows)


def some(rows: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """Return at most `most` of `rows`, in order, drawn without replacement."""
    return np.sort(rng.permutation(rows)[:most])
