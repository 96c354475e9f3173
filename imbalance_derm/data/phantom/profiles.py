"""What sets the classes and the body sites of the phantom apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CRITERIA = (
    "asymmetry",
    "border",
    "colour",
    "diameter",
    "network",
    "globules",
    "veil",
    "redness",
    "darkness",
)
"""The ABCD criteria, and the dermoscopic structures and colours that go with them."""

_DIRECTIONS = {
    "nevus": (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    "melanoma": (0.5, 0.45, 0.6, 0.4, 0.2, 0.3, 0.4, 0.0, 0.2),
    "keratosis": (0.0, 0.6, 0.1, 0.2, -0.8, 0.7, -0.1, -0.1, 0.2),
    "carcinoma": (0.3, 0.1, -0.1, 0.0, -0.9, 0.1, 0.4, 0.6, -0.5),
    "actinic": (0.1, 0.4, -0.2, 0.2, -0.8, -0.3, 0.0, 0.8, -0.6),
    "vascular": (-0.2, -0.2, 0.0, -0.4, -0.9, 0.3, 0.2, 1.3, 0.1),
    "fibroma": (-0.4, -0.2, -0.1, -0.3, 0.3, -0.3, 0.1, 0.3, -0.9),
}
_TWO = {"benign": "nevus", "malignant": "melanoma"}


def class_list(classes: int) -> tuple[str, ...]:
    """Return the names of the first `classes` classes, the most common first.

    Examples
    --------
    >>> class_list(2), class_list(3)
    (('benign', 'malignant'), ('nevus', 'melanoma', 'keratosis'))
    """
    return tuple(_TWO) if classes == len(_TWO) else tuple(_DIRECTIONS)[:classes]


def class_mean(label: str, separation: float) -> np.ndarray:
    """Return where a class lies in the space of :data:`CRITERIA`, float of shape (criteria,).

    A lesion's criteria are normal around this mean with standard deviation 1. The first class
    lies at the origin and each other one at the distance `separation` from it, so that nobody,
    however well he sees, can tell the two apart with an AUC above ``Phi(separation / sqrt(2))``
    by the criteria.
    """
    direction = np.array(_DIRECTIONS[_TWO.get(label, label)])
    length = float(np.linalg.norm(direction))
    return direction * (separation / length) if length else direction


@dataclass(frozen=True, slots=True)
class Site:
    """How skin looks at a body site.

    Attributes
    ----------
    hairs : float
        Expected number of hairs in the field of view.
    melanin, blood : float
        Optical density added to the patient's own.
    grain : float
        Strength of the skin's furrows, 1 is ordinary.
    """

    hairs: float
    melanin: float
    blood: float
    grain: float


SITES = {
    "abdomen": Site(1.0, -0.04, 0.00, 0.7),
    "back": Site(1.5, 0.00, 0.03, 1.0),
    "face": Site(0.3, 0.05, 0.16, 1.4),
    "lower extremity": Site(4.0, -0.02, 0.02, 1.0),
    "scalp": Site(9.0, -0.03, 0.08, 0.8),
    "upper extremity": Site(2.0, 0.12, 0.02, 1.1),
}
"""The body sites; the probabilities below are in this order."""

_SITE_GIVEN_CLASS = {
    "nevus": (0.24, 0.30, 0.06, 0.22, 0.05, 0.13),
    "melanoma": (0.10, 0.26, 0.16, 0.22, 0.08, 0.18),
    "keratosis": (0.10, 0.26, 0.26, 0.14, 0.12, 0.12),
    "carcinoma": (0.06, 0.20, 0.34, 0.12, 0.14, 0.14),
    "actinic": (0.02, 0.06, 0.42, 0.10, 0.22, 0.18),
    "vascular": (0.22, 0.20, 0.16, 0.22, 0.08, 0.12),
    "fibroma": (0.08, 0.12, 0.02, 0.54, 0.02, 0.22),
}


def site_probabilities(label: str) -> np.ndarray:
    """Return P(site | class) over :data:`SITES`, float of shape (sites,)."""
    return np.array(_SITE_GIVEN_CLASS[_TWO.get(label, label)])
