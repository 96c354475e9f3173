"""What a report is made of: the record of a run, and the arrays behind its pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from imbalance_derm.evaluation.predictions import Predictions
from imbalance_derm.experiment.record import Record
from imbalance_derm.report.synthetic import SyntheticEvidence


@dataclass(frozen=True, eq=False)
class GalleryRow:
    """Pictures of one class.

    Attributes
    ----------
    name : str
        The class.
    real : tuple of ndarray, each uint8 (height, width, 3)
        Training images of the class.
    pairs : tuple of (ndarray or None, ndarray), each uint8 (height, width, 3)
        What a synthetic image was made from, None where it was made from nothing or from
        several images, and the synthetic image. Empty where no image was made.
    """

    name: str
    real: tuple[np.ndarray, ...]
    pairs: tuple[tuple[np.ndarray | None, np.ndarray], ...] = ()


@dataclass(frozen=True, eq=False)
class ErrorCase:
    """One wrong decision on the test set.

    Attributes
    ----------
    image : ndarray of uint8, shape (height, width, 3)
    heat : ndarray of float, shape (s, s), or None
        Grad-CAM of the decided class, in [0, 1]; any side.
    truth, decision : str
        Classes.
    probability : float
        That the model gave to the true class, in [0, 1].
    image_id : str
    """

    image: np.ndarray
    heat: np.ndarray | None
    truth: str
    decision: str
    probability: float
    image_id: str


@dataclass(frozen=True, eq=False)
class EmbeddingMap:
    """Training images, real and synthetic, on a plane.

    Attributes
    ----------
    xy : ndarray of float, shape (n, 2)
    labels : ndarray of int64, shape (n,)
        Index into `classes`.
    synthetic : ndarray of bool, shape (n,)
    classes : tuple of str
    """

    xy: np.ndarray
    labels: np.ndarray
    synthetic: np.ndarray
    classes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Evidence:
    """Everything that one report shows.

    Attributes
    ----------
    record : Record
    test : Predictions
    validation : Predictions or None
    gallery : tuple of GalleryRow
    errors : tuple of ErrorCase
        Worst first.
    points : EmbeddingMap or None
    caveats : tuple of str
        What a reader must know before using a figure, beside the record's own notice.
    synthetic : SyntheticEvidence or None
        None where nothing was synthesised.
    """

    record: Record
    test: Predictions
    validation: Predictions | None = None
    gallery: tuple[GalleryRow, ...] = ()
    errors: tuple[ErrorCase, ...] = ()
    points: EmbeddingMap | None = None
    caveats: tuple[str, ...] = ()
    synthetic: SyntheticEvidence | None = None
