"""Borderline-SMOTE."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from imblearn.over_sampling import BorderlineSMOTE
from pydantic import Field

from imbalance_derm.synth.smote.interpolation import (
    Components,
    Interpolation,
    MemoryBound,
    Neighbors,
    SpaceName,
)
from imbalance_derm.synth.smote.tracing import TracingNeighbors


class BorderlineSmote(Interpolation):
    """SMOTE from the samples in danger only: those that live among other classes.

    Han, Wang and Mao 2005, as imbalanced-learn's ``BorderlineSMOTE`` computes it. In danger is
    a sample of whose nearest neighbours at least half, but not all, are of other classes.

    Parameters
    ----------
    k_neighbors : int or "auto"
        Neighbours to choose from; a class needs more members than that. ``auto`` takes 5, or
        all there are where a class has fewer.
    m_neighbors : int
        Neighbours of any class that decide whether a sample is in danger.
    kind : {"borderline-1", "borderline-2"}
        ``borderline-1`` interpolates within the class; ``borderline-2`` also up to half the way
        towards samples of other classes.

    Examples
    --------
    >>> BorderlineSmote(kind="borderline-2").kind
    'borderline-2'
    """

    presets: ClassVar[dict[str, dict[str, Any]]] = {"smoke": {"k_neighbors": "auto"}}
    name = "borderline_smote"
    imblearn_name = "BorderlineSMOTE"
    remedy = (
        "no sample of the class may be in danger, or synth.m_neighbors be as many as there are "
        "images: use another synth.m_neighbors, or --synth smote"
    )

    def __init__(
        self,
        *,
        space: SpaceName = "embedding",
        k_neighbors: Neighbors = 5,
        m_neighbors: Annotated[int, Field(ge=1)] = 10,
        kind: Literal["borderline-1", "borderline-2"] = "borderline-1",
        components: Components = 64,
        max_memory_gb: MemoryBound = 4.0,
    ) -> None:
        super().__init__(space, components, max_memory_gb, k_neighbors)
        self.m_neighbors = m_neighbors
        self.kind = kind

    def sampler(
        self, strategy: dict[int, int], neighbors: TracingNeighbors, seed: int
    ) -> BorderlineSMOTE:
        """Return imbalanced-learn's object."""
        return BorderlineSMOTE(
            sampling_strategy=strategy,
            k_neighbors=neighbors,
            m_neighbors=self.m_neighbors,
            kind=self.kind,
            random_state=seed,
        )
