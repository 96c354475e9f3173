"""What SMOTE and its relatives share: spaces, class sizes, memory, provenance."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from imblearn.over_sampling.base import BaseOverSampler
from pydantic import Field

from imbalance_derm.data.lesions import LesionSet
from imbalance_derm.errors import InputError, RunError
from imbalance_derm.synth.contract import CHUNK, Chunk, Provenance, Synthesizer
from imbalance_derm.synth.smote.spaces import (
    EmbeddingSpace,
    PixelSpace,
    PointSpace,
    PrincipalComponentSpace,
)
from imbalance_derm.synth.smote.tracing import TracingNeighbors, trace_parents
from imbalance_derm.training.context import TrainingContext

Neighbors = Annotated[int, Field(ge=1)] | Literal["auto"]
SpaceName = Annotated[
    Literal["embedding", "pixel", "pca"],
    Field(
        description="embedding interpolates features of a frozen backbone, on which the head is "
        "then trained; pixel interpolates the images themselves, which blends two photographs; "
        "pca interpolates their scores on the principal components of the training pixels."
    ),
]
Components = Annotated[int, Field(ge=1, description="Principal components kept; for space=pca.")]
MemoryBound = Annotated[
    float,
    Field(
        gt=0,
        description="What the arrays of one class's resampling, or of fitting the principal "
        "components, may take, in GB; above, it is refused.",
    ),
]


class Interpolation(Synthesizer):
    """Base of the methods of imbalanced-learn that interpolate between neighbours.

    imbalanced-learn gets one class to resample at a time, on float32 points, with the run's
    seed as its ``random_state``: what it returns is what comes out, equal in float.

    Parameters
    ----------
    space, components, max_memory_gb
        See :data:`SpaceName`, :data:`Components`, :data:`MemoryBound`.
    neighbors : int or "auto"
        Neighbours of the same class to choose from. ``auto`` takes :attr:`usual_neighbors`, or
        all there are where a class has fewer.

    Attributes
    ----------
    name : str
        Registered name, the method of the provenance.
    imblearn_name : str
        Class of imbalanced-learn, for messages.
    neighbors_parameter : str
        Name of the parameter that `neighbors` is.
    usual_neighbors : int
        imbalanced-learn's default.
    whole_set : bool
        Whether the other classes decide where points are made; otherwise only the class's own
        rows are computed with.
    copies : int
        How many arrays as large as the real points are held at once.
    remedy : str
        What to do where imbalanced-learn refuses.
    """

    name: ClassVar[str]
    imblearn_name: ClassVar[str]
    neighbors_parameter: ClassVar[str] = "k_neighbors"
    usual_neighbors: ClassVar[int] = 5
    whole_set: ClassVar[bool] = True
    copies: ClassVar[int] = 4
    remedy: ClassVar[str] = "use --synth smote"

    def __init__(
        self, space: str, components: int, max_memory_gb: float, neighbors: int | Literal["auto"]
    ) -> None:
        spaces: dict[str, PointSpace] = {
            "embedding": EmbeddingSpace(),
            "pixel": PixelSpace(),
            "pca": PrincipalComponentSpace(components, max_memory_gb),
        }
        self.space = "embedding" if space == "embedding" else "image"
        self.point_space = spaces[space]
        self.max_memory_gb = max_memory_gb
        self.neighbors = neighbors

    @abstractmethod
    def sampler(
        self, strategy: dict[int, int], neighbors: TracingNeighbors, seed: int
    ) -> BaseOverSampler:
        """Return imbalanced-learn's object.

        Parameters
        ----------
        strategy : dict of int to int
            Class to the number of points that it shall have.
        neighbors : TracingNeighbors
            Asks for one neighbour more, the point itself.
        seed : int
            In 0 to 2**32 - 1.
        """

    def _fit(self, data: LesionSet, context: TrainingContext) -> dict[str, Any]:
        return self.point_space.fit(data, context.seed)

    def _sample(
        self, data: LesionSet, label: int, count: int, seed: int, context: TrainingContext
    ) -> Iterator[Chunk]:
        made, parents = self.interpolate(data, label, count, seed)
        pairs = list(zip(*(data.image_ids[side].tolist() for side in parents.T), strict=True))
        model = self.point_space.model
        for start in range(0, len(made), CHUNK):
            stretch = slice(start, start + CHUNK)
            origins = [Provenance(self.name, pair, seed, model) for pair in pairs[stretch]]
            yield Chunk(self.point_space.samples(made[stretch], data), label, origins)

    def interpolate(
        self, data: LesionSet, label: int, count: int, seed: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return what imbalanced-learn adds to class `label`, as points, and from which rows.

        Returns
        -------
        made : ndarray of float32, shape (m, d)
            In the space of interpolation. `m` is `count` unless the method is not exact.
        parents : ndarray of int, shape (m, 2)
            Rows of `data`: the point that each starts from, and its neighbour.

        Raises
        ------
        InputError
            The class is too small, the arrays are too large, or imbalanced-learn refuses.
        """
        neighbors = TracingNeighbors(n_neighbors=self._neighbors(data, label) + 1)
        rows = self._rows(data, label)
        self._check_memory(data, label, count, len(rows))
        points, labels = self.point_space.points(data, rows), data.labels[rows]
        strategy = {label: int(data.class_counts[label]) + count}
        sampler = self.sampler(strategy, neighbors, seed % 2**32)
        try:
            made = sampler.fit_resample(points, labels)[0][len(points) :]
            if not len(made):
                raise ValueError("No samples are made")
        except (ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split()).rstrip(".")
            raise InputError(
                f"class '{data.classes[label]}' ({data.class_counts[label]} training images): "
                f"{self.imblearn_name} says '{reason}'; {self.explain(sampler, labels, label)}"
            ) from error
        parents = trace_parents(neighbors.searches_, points)
        if len(parents) != len(made):
            raise RunError(
                f"{self.imblearn_name} made {len(made)} points, but the parents of {len(parents)} "
                "are known; this version of imbalanced-learn is not supported"
            )
        return made, rows[parents]

    def explain(self, sampler: BaseOverSampler, labels: np.ndarray, label: int) -> str:
        """Return what to do where imbalanced-learn refused, with figures where there are any."""
        return self.remedy

    def save(self, folder: Path) -> None:
        """Write what the space learned."""
        self.point_space.save(folder)

    def load(self, folder: Path, data: LesionSet, context: TrainingContext) -> None:
        """Read what :meth:`save` wrote."""
        self.point_space.load(folder)

    def _rows(self, data: LesionSet, label: int) -> np.ndarray:
        if self.whole_set:
            return np.arange(len(data))
        # imbalanced-learn wants a second class to be there; one row of it is enough.
        others = np.flatnonzero(data.labels != label)[:1]
        return np.append(np.flatnonzero(data.labels == label), others)

    def _neighbors(self, data: LesionSet, label: int) -> int:
        size, name = int(data.class_counts[label]), data.classes[label]
        if size < 2:
            raise InputError(
                f"class '{name}' has {size} training image, and {self.imblearn_name} needs two to "
                "interpolate; add images or leave the class out of synth.quota"
            )
        if self.neighbors == "auto":
            return min(self.usual_neighbors, size - 1)
        if size <= self.neighbors:
            raise InputError(
                f"class '{name}' has {size} training images, and {self.imblearn_name} with "
                f"{self.neighbors_parameter}={self.neighbors} needs {self.neighbors + 1}; "
                f"use --set synth.{self.neighbors_parameter}=auto"
            )
        return self.neighbors

    def _check_memory(self, data: LesionSet, label: int, count: int, rows: int) -> None:
        # Of points made, their parents, and sums and products in double precision are held.
        width = self.point_space.width(data)
        needed = 4 * width * (self.copies * rows + 5 * count) / 1e9
        if needed > self.max_memory_gb:
            raise InputError(
                f"{self.imblearn_name} of class '{data.classes[label]}' needs {needed:.1f} GB for "
                f"{count} new samples of {width} values, above "
                f"synth.max_memory_gb={self.max_memory_gb:g}; use --set synth.space=embedding, "
                "smaller images, or raise the bound"
            )
