"""SMOTE."""

from __future__ import annotations

from typing import Any, ClassVar

from imblearn.over_sampling import SMOTE

from imbalance_derm.synth.smote.interpolation import (
    Components,
    Interpolation,
    MemoryBound,
    Neighbors,
    SpaceName,
)
from imbalance_derm.synth.smote.tracing import TracingNeighbors


class Smote(Interpolation):
    """Points between a minority sample and one of its nearest neighbours of the same class.

    Chawla et al. 2002, section 4.2, as imbalanced-learn's ``SMOTE`` computes it.

    Parameters
    ----------
    k_neighbors : int or "auto"
        Neighbours to choose from; a class needs more members than that. ``auto`` takes 5, or
        all there are where a class has fewer.

    Examples
    --------
    >>> Smote(space="pixel").space
    'image'
    """

    presets: ClassVar[dict[str, dict[str, Any]]] = {"smoke": {"k_neighbors": "auto"}}
    name = "smote"
    imblearn_name = "SMOTE"
    whole_set = False
    remedy = "check that every class has images and every value is finite"

    def __init__(
        self,
        *,
        space: SpaceName = "embedding",
        k_neighbors: Neighbors = 5,
        components: Components = 64,
        max_memory_gb: MemoryBound = 4.0,
    ) -> None:
        super().__init__(space, components, max_memory_gb, k_neighbors)

    def sampler(self, strategy: dict[int, int], neighbors: TracingNeighbors, seed: int) -> SMOTE:
        """Return imbalanced-learn's object."""
        return SMOTE(sampling_strategy=strategy, k_neighbors=neighbors, random_state=seed)
