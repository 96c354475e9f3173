"""The rows that a classifier is fed: real lesions first, then synthetic samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from imbalance_derm.data.lesions import MISSING_SITE, LesionSet
from imbalance_derm.losses.contract import ClassCounts
from imbalance_derm.models.contract import Counts


@dataclass(frozen=True, eq=False)
class Pool:
    """Real lesions and synthetic samples under one row numbering; neither is copied.

    Attributes
    ----------
    real : LesionSet
    synthetic : ndarray or None
        Samples of the same shape and dtype as the real ones.
    labels, sites : ndarray of int64, shape (rows,)
        Sites are -1 where missing.
    """

    real: LesionSet
    synthetic: np.ndarray | None
    labels: np.ndarray
    sites: np.ndarray

    @staticmethod
    def of(
        real: LesionSet,
        synthetic: np.ndarray | None = None,
        synthetic_labels: np.ndarray | None = None,
        synthetic_sites: np.ndarray | None = None,
    ) -> Pool:
        """Join `real` with synthetic samples, if any; without sites all of theirs are missing."""
        if synthetic is None or synthetic_labels is None or len(synthetic_labels) == 0:
            return Pool(real, None, real.labels, real.sites)
        sites = synthetic_sites
        if sites is None:
            sites = np.full(len(synthetic_labels), MISSING_SITE, dtype=np.int64)
        return Pool(
            real,
            synthetic,
            np.concatenate([real.labels, synthetic_labels.astype(np.int64)]),
            np.concatenate([real.sites, sites]),
        )

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def embeddings(self) -> np.ndarray | None:
        """All samples where they are embeddings, float32 (rows, d); None for images."""
        if self.real.samples.ndim != 2:
            return None
        if self.synthetic is None:
            return np.asarray(self.real.samples)
        return np.concatenate([self.real.samples, self.synthetic])

    def gather(self, rows: np.ndarray) -> np.ndarray:
        """Return the samples of `rows`, in that order; only these leave the memory map."""
        count = len(self.real)
        if self.synthetic is None:
            return self.real.samples[rows]
        samples = np.empty((len(rows), *self.real.samples.shape[1:]), self.real.samples.dtype)
        real = rows < count
        samples[real] = self.real.samples[rows[real]]
        samples[~real] = self.synthetic[rows[~real] - count]
        return samples

    def counts(self, fed_rows: np.ndarray, device: torch.device) -> Counts:
        """Return class and site counts of the real images and of one fed pass."""

        def tensor(values: np.ndarray, size: int) -> torch.Tensor:
            counts = np.bincount(values, minlength=size)
            return torch.as_tensor(counts, dtype=torch.float32, device=device)

        classes, sites = len(self.real.classes), len(self.real.site_names)
        fed_sites = self.sites[fed_rows]
        return Counts(
            ClassCounts(tensor(self.real.labels, classes), tensor(self.labels[fed_rows], classes)),
            ClassCounts(
                tensor(self.real.sites[self.real.sites != MISSING_SITE], sites),
                tensor(fed_sites[fed_sites != MISSING_SITE], sites),
            ),
        )
