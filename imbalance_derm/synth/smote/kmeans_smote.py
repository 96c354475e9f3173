"""K-means SMOTE."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from imblearn.over_sampling import KMeansSMOTE
from imblearn.over_sampling.base import BaseOverSampler
from pydantic import Field

from imbalance_derm.synth.smote.interpolation import (
    Components,
    Interpolation,
    MemoryBound,
    Neighbors,
    SpaceName,
)
from imbalance_derm.synth.smote.tracing import TracingNeighbors


class KMeansSmote(Interpolation):
    """SMOTE within clusters of all samples, most in those where the class is sparse.

    Douzas, Bacao and Last 2018, as imbalanced-learn's ``KMeansSMOTE`` computes it. The share of
    each cluster is rounded up, so that a few more are made than were asked for.

    Parameters
    ----------
    k_neighbors : int or "auto"
        Neighbours to choose from; a cluster needs more members of the class than that. ``auto``
        takes 2, or all there are where a class has fewer.
    clusters : int
        Clusters that k-means makes of all training samples.
    cluster_balance_threshold : float or "auto"
        Share of a cluster that the class has to have for the cluster to be used. ``auto`` is
        one half, as in the paper: a class that is rare everywhere then has no cluster.
    density_exponent : float or "auto"
        Power of the mean distance that makes up a cluster's sparsity; ``auto`` grows with the
        number of members, and overflows where pixels are compared.

    Examples
    --------
    >>> KMeansSmote(clusters=20).clusters
    20
    """

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"k_neighbors": "auto", "clusters": 2, "cluster_balance_threshold": 0.0},
        # One of several rare classes is half of a cluster nowhere.
        "demo": {"cluster_balance_threshold": 0.0},
    }
    exact = False
    name = "kmeans_smote"
    imblearn_name = "KMeansSMOTE"
    copies = 5
    usual_neighbors = 2

    def __init__(
        self,
        *,
        space: SpaceName = "embedding",
        k_neighbors: Neighbors = 2,
        clusters: Annotated[int, Field(ge=1)] = 8,
        cluster_balance_threshold: Annotated[float, Field(ge=0, le=1)] | Literal["auto"] = "auto",
        density_exponent: Annotated[float, Field(ge=0)] | Literal["auto"] = "auto",
        components: Components = 64,
        max_memory_gb: MemoryBound = 4.0,
    ) -> None:
        super().__init__(space, components, max_memory_gb, k_neighbors)
        self.clusters = clusters
        self.cluster_balance_threshold = cluster_balance_threshold
        self.density_exponent = density_exponent

    def sampler(
        self, strategy: dict[int, int], neighbors: TracingNeighbors, seed: int
    ) -> KMeansSMOTE:
        """Return imbalanced-learn's object."""
        return KMeansSMOTE(
            sampling_strategy=strategy,
            k_neighbors=neighbors,
            kmeans_estimator=self.clusters,
            cluster_balance_threshold=self.cluster_balance_threshold,
            density_exponent=self.density_exponent,
            random_state=seed,
        )

    def explain(self, sampler: BaseOverSampler, labels: np.ndarray, label: int) -> str:
        """Return what to set, with the share of the class where it is largest."""
        cluster_of = getattr(getattr(sampler, "kmeans_estimator_", None), "labels_", None)
        if cluster_of is None:
            return "set synth.clusters to fewer than there are images"
        members = np.bincount(cluster_of, labels == label, minlength=self.clusters)
        share = members / np.maximum(np.bincount(cluster_of, minlength=self.clusters), 1)
        return (
            f"in {self.clusters} clusters the class has at most {members.max():.0f} images and at "
            f"most a share of {share.max():.3f}; set synth.cluster_balance_threshold below that, "
            "a smaller synth.k_neighbors, or a number such as 1 for synth.density_exponent"
        )
