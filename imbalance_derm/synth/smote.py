"""SMOTE by imbalanced-learn, on pixels or on the embeddings of a frozen backbone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from imblearn.over_sampling import SMOTE
from pydantic import Field

from imbalance_derm.data.lesions import LesionSet
from imbalance_derm.errors import InputError
from imbalance_derm.synth.contract import CHUNK, Chunk, Provenance, Synthesizer
from imbalance_derm.synth.parents import find_parents
from imbalance_derm.training.context import TrainingContext


class Smote(Synthesizer):
    """Points between a minority sample and one of its nearest neighbours of the same class.

    Chawla et al. 2002, section 4.2, as imbalanced-learn computes it.

    Parameters
    ----------
    space : {"embedding", "pixel"}
        ``embedding`` interpolates features of a frozen backbone, on which the head is then
        trained; ``pixel`` interpolates the images themselves, which blends two photographs.
    k_neighbors : int or "auto"
        Neighbours to choose from; a class needs more members than that. ``auto`` takes 5, or
        all there are where a class has fewer.
    max_memory_gb : float
        What the arrays of one class's resampling may take; above, it is refused.

    Examples
    --------
    >>> Smote(space="pixel").space
    'image'
    """

    presets: ClassVar[dict[str, dict[str, Any]]] = {"smoke": {"k_neighbors": "auto"}}

    def __init__(
        self,
        *,
        space: Literal["embedding", "pixel"] = "embedding",
        k_neighbors: Annotated[int, Field(ge=1)] | Literal["auto"] = 5,
        max_memory_gb: Annotated[float, Field(gt=0)] = 4.0,
    ) -> None:
        self.space = "image" if space == "pixel" else "embedding"
        self.k_neighbors = k_neighbors
        self.max_memory_gb = max_memory_gb

    def _fit(self, data: LesionSet, context: TrainingContext) -> dict[str, Any]:
        return {}

    def _sample(
        self, data: LesionSet, label: int, count: int, seed: int, context: TrainingContext
    ) -> Iterator[Chunk]:
        neighbors = self._neighbors(data, label)
        self._check_memory(data, label, count)
        points = data.samples.reshape(len(data), -1).astype(np.float32)
        made = resample(points, data.labels, label, count, neighbors, seed)
        members = np.flatnonzero(data.labels == label)
        parents = members[find_parents(points[members], made, neighbors)]
        del points
        shape = data.samples.shape[1:]
        for start in range(0, len(made), CHUNK):
            chunk = made[start : start + CHUNK].reshape(-1, *shape)
            if self.space == "image":
                chunk = chunk.round().clip(0, 255).astype(np.uint8)
            origins = [
                Provenance("smote", tuple(map(str, data.image_ids[pair])), seed)
                for pair in parents[start : start + CHUNK]
            ]
            yield Chunk(chunk, label, origins)

    def _neighbors(self, data: LesionSet, label: int) -> int:
        size, name = int(data.class_counts[label]), data.classes[label]
        if size < 2:
            raise InputError(
                f"class '{name}' has {size} training image, and SMOTE needs two to interpolate; "
                f"add images or leave the class out of synth.quota"
            )
        if self.k_neighbors == "auto":
            return min(5, size - 1)
        if size <= self.k_neighbors:
            raise InputError(
                f"class '{name}' has {size} training images, and SMOTE with k_neighbors="
                f"{self.k_neighbors} needs {self.k_neighbors + 1}; use --set synth.k_neighbors=auto"
            )
        return self.k_neighbors

    def _check_memory(self, data: LesionSet, label: int, count: int) -> None:
        # imbalanced-learn holds the points, a copy, and the stack of copy and new points; the
        # search for parents holds the class in double precision.
        width, members = int(np.prod(data.samples.shape[1:])), int(data.class_counts[label])
        needed = 4 * width * (3 * len(data) + 2 * count + 2 * members) / 1e9
        if needed > self.max_memory_gb:
            raise InputError(
                f"SMOTE of class '{data.classes[label]}' needs {needed:.1f} GB for {len(data)} "
                f"samples of {width} values, above synth.max_memory_gb={self.max_memory_gb:g}; "
                "use --set synth.space=embedding, smaller images, or raise the bound"
            )


def resample(
    points: np.ndarray, labels: np.ndarray, label: int, count: int, neighbors: int, seed: int
) -> np.ndarray:
    """Return what imbalanced-learn's SMOTE adds to class `label`.

    Parameters
    ----------
    points : ndarray of float32, shape (n, d)
    labels : ndarray of int, shape (n,)
    label, count, neighbors : int
        Class, number of new points, neighbours.
    seed : int
        ``random_state`` of imbalanced-learn, modulo 2**32.

    Returns
    -------
    ndarray of float32, shape (count, d)

    Examples
    --------
    >>> points = np.array([[0.0], [5.0], [6.0]], np.float32)
    >>> new = resample(points, np.array([0, 1, 1]), 1, 4, neighbors=1, seed=0)
    >>> bool(np.all((new >= 5) & (new <= 6)))
    True
    """
    size = int(np.sum(labels == label))
    sampler = SMOTE(
        sampling_strategy={label: size + count}, k_neighbors=neighbors, random_state=seed % 2**32
    )
    return sampler.fit_resample(points, labels)[0][len(points) :]
