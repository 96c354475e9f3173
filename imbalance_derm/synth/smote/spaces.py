"""The spaces in which points are interpolated, and the way back to samples."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from sklearn.decomposition import PCA

from imbalance_derm.data.lesions import LesionSet
from imbalance_derm.errors import InputError
from imbalance_derm.synth.sources import hash_tensors

AXES_FILE = "principal_axes.safetensors"
_BLOCK = 1024


class PointSpace(ABC):
    """Real samples as points, float32 (n, d), and points made from them as samples."""

    model = ""
    """Hash of what was learned."""

    def fit(self, data: LesionSet, seed: int) -> dict[str, Any]:
        """Learn the space from training lesions, and return facts for the record."""
        return {}

    @abstractmethod
    def width(self, data: LesionSet) -> int:
        """Return the number of values of one point."""

    @abstractmethod
    def points(self, data: LesionSet, rows: np.ndarray) -> np.ndarray:
        """Return the samples of `rows` as points, float32 (len(rows), width)."""

    @abstractmethod
    def samples(self, points: np.ndarray, data: LesionSet) -> np.ndarray:
        """Return `points` as samples of the shape and dtype of ``data.samples``."""

    def save(self, folder: Path) -> None:  # noqa: B027
        """Write what was learned."""

    def load(self, folder: Path) -> None:  # noqa: B027
        """Read what :meth:`save` wrote."""


class EmbeddingSpace(PointSpace):
    """Embeddings as they are."""

    def width(self, data: LesionSet) -> int:
        """Return the number of features."""
        return data.samples.shape[1]

    def points(self, data: LesionSet, rows: np.ndarray) -> np.ndarray:
        """Return the embeddings."""
        return np.asarray(data.samples[rows], np.float32)

    def samples(self, points: np.ndarray, data: LesionSet) -> np.ndarray:
        """Return the points."""
        return points


class PixelSpace(PointSpace):
    """Images as vectors of pixel values, 0 to 255."""

    def width(self, data: LesionSet) -> int:
        """Return the number of pixels, times three."""
        return int(np.prod(data.samples.shape[1:]))

    def points(self, data: LesionSet, rows: np.ndarray) -> np.ndarray:
        """Return the images, flattened."""
        return data.samples[rows].reshape(len(rows), -1).astype(np.float32)

    def samples(self, points: np.ndarray, data: LesionSet) -> np.ndarray:
        """Return images, rounded and clipped."""
        images = points.round().clip(0, 255).astype(np.uint8)
        return images.reshape(-1, *data.samples.shape[1:])


class PrincipalComponentSpace(PixelSpace):
    """Scores of the images on their first principal components (scikit-learn's PCA).

    Parameters
    ----------
    components : int
    max_memory_gb : float
        What the training pixels may take while the components are computed.

    Examples
    --------
    >>> from imbalance_derm.data.lesions import LesionSet
    >>> images = np.random.default_rng(0).integers(0, 256, (6, 4, 4, 3), np.uint8)
    >>> ids, label = np.arange(6).astype(str), np.zeros(6, int)
    >>> data = LesionSet(images, label, label, ids, ids, ("nv",), ())
    >>> space = PrincipalComponentSpace(2, max_memory_gb=1.0)
    >>> space.fit(data, seed=0)["components"]
    2
    >>> space.samples(space.points(data, np.arange(3)), data).shape
    (3, 4, 4, 3)
    """

    def __init__(self, components: int, max_memory_gb: float) -> None:
        self.components = components
        self.max_memory_gb = max_memory_gb
        self._pca = PCA(components)

    def fit(self, data: LesionSet, seed: int) -> dict[str, Any]:
        """Compute the components of all training images.

        Raises
        ------
        InputError
            Fewer images or pixels than components, or more memory than allowed.
        """
        width, most = super().width(data), min(len(data), super().width(data))
        if self.components > most:
            raise InputError(
                f"synth.components={self.components} is more than {len(data)} training images of "
                f"{width} values have; use --set synth.components={most} or fewer"
            )
        # The pixels as bytes and as float32; the randomized search holds ten components more.
        needed = width * (5 * len(data) + 16 * (self.components + 10)) / 1e9
        if needed > self.max_memory_gb:
            raise InputError(
                f"the principal components of {len(data)} images of {width} values need "
                f"{needed:.1f} GB, above synth.max_memory_gb={self.max_memory_gb:g}; use smaller "
                "images, --set synth.space=embedding, or raise the bound"
            )
        pixels = super().points(data, np.arange(len(data)))
        # The pixels are a copy of their own already: they may be centred in place.
        self._pca = PCA(
            self.components, svd_solver="randomized", copy=False, random_state=seed % 2**32
        ).fit(pixels)
        # Products depend on the layout in their last bit, and files keep one layout only.
        self._pca.components_ = np.ascontiguousarray(self._pca.components_)
        self._name()
        return {
            "components": self.components,
            "explained_variance": float(self._pca.explained_variance_ratio_.sum()),
            "model": self.model,
        }

    def width(self, data: LesionSet) -> int:
        """Return the number of components."""
        return self.components

    def points(self, data: LesionSet, rows: np.ndarray) -> np.ndarray:
        """Return the scores of the images, computed block by block."""
        blocks = [rows[start : start + _BLOCK] for start in range(0, len(rows), _BLOCK)]
        pixels = super().points
        return np.concatenate([self._pca.transform(pixels(data, block)) for block in blocks])

    def samples(self, points: np.ndarray, data: LesionSet) -> np.ndarray:
        """Return the images of the scores, rounded and clipped."""
        return super().samples(self._pca.inverse_transform(points), data)

    def save(self, folder: Path) -> None:
        """Write mean and components as safetensors."""
        save_file(self._arrays(), folder / AXES_FILE)

    def load(self, folder: Path) -> None:
        """Read what :meth:`save` wrote."""
        arrays = load_file(folder / AXES_FILE)
        self._pca = PCA(self.components)
        self._pca.mean_, self._pca.components_ = arrays["mean"], arrays["components"]
        self._name()

    def _arrays(self) -> dict[str, np.ndarray]:
        return {"mean": self._pca.mean_, "components": self._pca.components_}

    def _name(self) -> None:
        arrays = self._arrays()
        self.model = hash_tensors({name: torch.tensor(a) for name, a in arrays.items()})
