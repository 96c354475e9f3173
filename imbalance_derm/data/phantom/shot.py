"""One photograph of one phantom lesion: all that determines its pixels, as a line of text."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import numpy as np

_LESION, _PATIENT, _VIEW = 1, 2, 3


@dataclass(frozen=True, slots=True)
class Shot:
    """A photograph of the phantom.

    Attributes
    ----------
    seed : int
        Of the whole data set.
    lesion, patient, view : int
        Running numbers; `view` counts the photographs of one lesion.
    label, site : str
    separation : float
        See :func:`imbalance_derm.data.phantom.profiles.class_mean`.
    resolution : int
        Side in pixels.

    Examples
    --------
    >>> shot = Shot(0, 7, 3, 0, "benign", "back", 2.0, 64)
    >>> Shot.parse(shot.reference()) == shot
    True
    """

    seed: int
    lesion: int
    patient: int
    view: int
    label: str
    site: str
    separation: float
    resolution: int

    def reference(self) -> str:
        """Return the text that :meth:`parse` reads."""
        return json.dumps(asdict(self), sort_keys=True)

    @staticmethod
    def parse(reference: str) -> Shot:
        """Return the shot behind a reference."""
        return Shot(**json.loads(reference))

    def lesion_random(self) -> np.random.Generator:
        """Return the draws that all photographs of the lesion share."""
        return np.random.default_rng((self.seed, _LESION, self.lesion))

    def patient_random(self) -> np.random.Generator:
        """Return the draws that all lesions of the patient share."""
        return np.random.default_rng((self.seed, _PATIENT, self.patient))

    def view_random(self) -> np.random.Generator:
        """Return the draws of this photograph alone."""
        return np.random.default_rng((self.seed, _VIEW, self.lesion, self.view))
