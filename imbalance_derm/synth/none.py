"""No synthesis: the baseline that every remedy is compared with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from imbalance_derm.data.lesions import LesionSet
from imbalance_derm.synth.contract import Chunk, Synthesizer
from imbalance_derm.training.context import TrainingContext


class NoSynthesis(Synthesizer):
    """Real images only.

    Examples
    --------
    >>> NoSynthesis().space
    'image'
    """

    makes_samples: ClassVar[bool] = False

    def targets(self, data: LesionSet) -> list[int]:
        """Return no class: nothing is made, whatever the quota."""
        return []

    def _fit(self, data: LesionSet, context: TrainingContext) -> dict[str, Any]:
        return {}

    def _sample(
        self, data: LesionSet, label: int, count: int, seed: int, context: TrainingContext
    ) -> Iterator[Chunk]:
        yield from ()
