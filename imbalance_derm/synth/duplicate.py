"""Exact copies of training images: random over-sampling."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from imbalance_derm.data.lesions import LesionSet
from imbalance_derm.synth.contract import Chunk, Provenance, Synthesizer
from imbalance_derm.synth.sources import draw_sources
from imbalance_derm.training.context import TrainingContext


class Duplicate(Synthesizer):
    """Exact copies of images of the class, in random order.

    The control for every other synthesizer: it adds numbers and no variety. No image is copied
    twice before all were copied once.

    Examples
    --------
    >>> Duplicate().repeats
    True
    """

    repeats: ClassVar[bool] = True

    def _fit(self, data: LesionSet, context: TrainingContext) -> dict[str, Any]:
        return {}

    def _sample(
        self, data: LesionSet, label: int, count: int, seed: int, context: TrainingContext
    ) -> Iterator[Chunk]:
        rows = np.flatnonzero(data.labels == label)
        for _, sources, _ in draw_sources(rows, count, seed, label):
            origins = [
                Provenance("duplicate", (str(data.image_ids[row]),), seed) for row in sources
            ]
            yield Chunk(data.samples[sources], label, origins)
