"""What a synthesizer is: fitted on training lesions only, it streams chunks of new samples."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from imbalance_derm.data.lesions import LesionSet
from imbalance_derm.errors import InputError
from imbalance_derm.training.context import TrainingContext

CHUNK = 64
"""Samples in one chunk at the most, so that sampling streams at constant memory."""

Space = Literal["image", "embedding"]


@dataclass(frozen=True)
class Provenance:
    """How one synthetic sample was made.

    Attributes
    ----------
    method : str
        Name of the synthesizer.
    sources : tuple of str
        Image ids it was made from; empty where it came from noise.
    seed : int
    model : str
        Hash of the fitted model; empty where nothing is fitted.
    mode : str
        How it was made, where a method has several ways: ``"translate"``, say.
    strength : float or None
        Share of the way from the source to noise, in (0, 1], where the method has one.
    """

    method: str
    sources: tuple[str, ...]
    seed: int
    model: str = ""
    mode: str = ""
    strength: float | None = None


@dataclass(frozen=True, eq=False)
class Chunk:
    """A few synthetic samples of one class.

    Attributes
    ----------
    samples : ndarray
        uint8 (n, size, size, 3) images, or float32 (n, d) embeddings.
    label : int
    provenance : list of Provenance, length n
    sites : tuple of str, length n or empty
        Body sites, "" where missing. Empty, as it should nearly always be, where all are
        missing: copying the source's site would invent a correlation between site and class.
    """

    samples: np.ndarray
    label: int
    provenance: list[Provenance]
    sites: tuple[str, ...] = ()


class Synthesizer(ABC):
    """Base of every synthesizer; it validates once, a subclass implements three short methods.

    A subclass takes its parameters as keyword-only constructor arguments and implements
    ``_fit``, ``_sample``, and, where it has learned something, ``save`` and ``load``.

    Attributes
    ----------
    presets : dict of str to dict
        Values of the ``[synth]`` section by preset name, ``quota`` included.
    space : {"image", "embedding"}
        What is fitted and made. An embedding synthesizer implies a frozen backbone.
    sampling_parameters : frozenset of str
        Parameters that only sampling reads: another value of one fits nothing anew.
    needs_masks : bool
        Whether sampling needs ``data.masks``; a data set without masks is refused. A fit is
        never handed them.
    exact : bool
        Whether :meth:`sample` makes the count that is asked for and no other.
    repeats : bool
        Whether two samples of one call may be equal.
    makes_samples : bool
        False of a baseline that makes nothing of any class.
    """

    presets: ClassVar[dict[str, dict[str, Any]]] = {}
    space: Space = "image"
    sampling_parameters: ClassVar[frozenset[str]] = frozenset()
    needs_masks: bool = False
    exact: ClassVar[bool] = True
    repeats: ClassVar[bool] = False
    makes_samples: ClassVar[bool] = True

    def targets(self, data: LesionSet) -> list[int]:
        """Return the classes that can be synthesised; by default all."""
        return list(range(len(data.classes)))

    def check(self, data: LesionSet) -> None:
        """Refuse lesions, masks included, that the method cannot work with; fit begins with it.

        Raises
        ------
        InputError
            A class has no image, or the method needs what `data` does not have.
        """
        counts = data.class_counts
        for label, name in enumerate(data.classes):
            if counts[label] == 0:
                raise InputError(
                    f"class '{name}' has no training image; remove it or add images to it"
                )

    def fit(self, data: LesionSet, context: TrainingContext) -> dict[str, Any]:
        """Learn from `data`, the training lesions.

        Returns
        -------
        dict
            JSON-able facts for the record. ``"steps"`` counts optimiser updates; ``"curves"``
            maps a title to a list of ``{"step": 1, LOSS: value, ...}``, which the report draws;
            ``"warnings"``, a list of one-line texts with figures, is shown to the user.

        Raises
        ------
        InputError
            A class is too small for the method.
        """
        self.check(data)
        # What sampling reads of masks must not change what is learned.
        return self._fit(replace(data, masks=None), context)

    def sample(
        self, data: LesionSet, label: int, count: int, seed: int, context: TrainingContext
    ) -> Iterator[Chunk]:
        """Stream `count` samples of class `label`, at most :data:`CHUNK` at a time.

        The same arguments give the same samples. A method that cannot hit the count declares
        ``exact = False`` and gives what it has, fewer or more, and pads nothing; the caller
        counts what was made.
        """
        if count > 0:
            yield from self._sample(data, label, count, seed, context)

    @abstractmethod
    def _fit(self, data: LesionSet, context: TrainingContext) -> dict[str, Any]: ...

    @abstractmethod
    def _sample(
        self, data: LesionSet, label: int, count: int, seed: int, context: TrainingContext
    ) -> Iterator[Chunk]: ...

    def save(self, folder: Path) -> None:  # noqa: B027
        """Write what was learned below `folder`, without pickle."""

    def load(self, folder: Path, data: LesionSet, context: TrainingContext) -> None:  # noqa: B027
        """Read what :meth:`save` wrote."""
