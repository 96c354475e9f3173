"""SVM-SMOTE."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from imblearn.over_sampling import SVMSMOTE
from pydantic import Field

from imbalance_derm.synth.smote.interpolation import (
    Components,
    Interpolation,
    MemoryBound,
    Neighbors,
    SpaceName,
)
from imbalance_derm.synth.smote.tracing import TracingNeighbors


class SvmSmote(Interpolation):
    """SMOTE from the class's support vectors, inwards where crowded and outwards where safe.

    Nguyen, Cooper and Kamei 2011, as imbalanced-learn's ``SVMSMOTE`` computes it. An SVM on all
    training samples is fitted for each class, which takes minutes for 10,000 embeddings. Where
    all support vectors are of one sort, only the share drawn for that sort is made, fewer than
    were asked for.

    Parameters
    ----------
    k_neighbors : int or "auto"
        Neighbours to choose from; a class needs more members than that. ``auto`` takes 5, or
        all there are where a class has fewer.
    m_neighbors : int
        Neighbours of any class that decide whether a support vector is noise, in danger or safe.
    out_step : float
        How far a point may lie beyond a safe support vector, as a share of the distance to the
        neighbour on its other side.

    Examples
    --------
    >>> SvmSmote(out_step=0.2).out_step
    0.2
    """

    presets: ClassVar[dict[str, dict[str, Any]]] = {"smoke": {"k_neighbors": "auto"}}
    exact = False
    name = "svm_smote"
    imblearn_name = "SVMSMOTE"
    copies = 7  # the SVM computes in double precision
    remedy = (
        "its support vectors may all be noise, or synth.m_neighbors be as many as there are "
        "images: use another synth.m_neighbors, or --synth smote"
    )

    def __init__(
        self,
        *,
        space: SpaceName = "embedding",
        k_neighbors: Neighbors = 5,
        m_neighbors: Annotated[int, Field(ge=1)] = 10,
        out_step: Annotated[float, Field(ge=0, le=1)] = 0.5,
        components: Components = 64,
        max_memory_gb: MemoryBound = 4.0,
    ) -> None:
        super().__init__(space, components, max_memory_gb, k_neighbors)
        self.m_neighbors = m_neighbors
        self.out_step = out_step

    def sampler(self, strategy: dict[int, int], neighbors: TracingNeighbors, seed: int) -> SVMSMOTE:
        """Return imbalanced-learn's object."""
        return SVMSMOTE(
            sampling_strategy=strategy,
            k_neighbors=neighbors,
            m_neighbors=self.m_neighbors,
            out_step=self.out_step,
            random_state=seed,
        )
