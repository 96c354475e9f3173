"""ADASYN."""

from __future__ import annotations

from typing import Any, ClassVar

from imblearn.over_sampling import ADASYN

from imbalance_derm.synth.smote.interpolation import (
    Components,
    Interpolation,
    MemoryBound,
    Neighbors,
    SpaceName,
)
from imbalance_derm.synth.smote.tracing import TracingNeighbors


class Adasyn(Interpolation):
    """SMOTE with more points from those samples that have more neighbours of other classes.

    He et al. 2008, section III, as imbalanced-learn's ``ADASYN`` computes it. The number for
    each sample is rounded, so that the total may be somewhat more or fewer than asked for.

    Parameters
    ----------
    n_neighbors : int or "auto"
        Neighbours of any class that decide how many points a sample gets, and neighbours of the
        class to choose from; a class needs more members than that. ``auto`` takes 5, or all
        there are where a class has fewer.

    Examples
    --------
    >>> Adasyn().space
    'embedding'
    """

    presets: ClassVar[dict[str, dict[str, Any]]] = {"smoke": {"n_neighbors": "auto"}}
    exact = False
    name = "adasyn"
    imblearn_name = "ADASYN"
    neighbors_parameter = "n_neighbors"
    remedy = (
        "the class has too few neighbours of other classes, or the count is small against its "
        "size: use a larger synth.n_neighbors or synth.quota, or --synth smote"
    )

    def __init__(
        self,
        *,
        space: SpaceName = "embedding",
        n_neighbors: Neighbors = 5,
        components: Components = 64,
        max_memory_gb: MemoryBound = 4.0,
    ) -> None:
        super().__init__(space, components, max_memory_gb, n_neighbors)

    def sampler(self, strategy: dict[int, int], neighbors: TracingNeighbors, seed: int) -> ADASYN:
        """Return imbalanced-learn's object."""
        return ADASYN(sampling_strategy=strategy, n_neighbors=neighbors, random_state=seed)
