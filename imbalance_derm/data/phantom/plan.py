"""Who is in the phantom data set: classes, lesions, patients, body sites and photographs."""

from __future__ import annotations

import numpy as np
import pandas as pd

from imbalance_derm.data.lesions import lesion_table
from imbalance_derm.data.phantom.profiles import SITES, class_list, site_probabilities
from imbalance_derm.data.phantom.shot import Shot

_PHOTOGRAPHS = (0.75, 0.18, 0.07)
"""Share of the lesions with one, two and three photographs."""
_LESIONS_PER_PATIENT = (0.65, 0.22, 0.13)


def class_counts(images: int, ratio: float, classes: int) -> np.ndarray:
    """Return the number of images of each class, falling geometrically from first to last.

    Examples
    --------
    >>> class_counts(700, 6.0, 2)
    array([600, 100])
    """
    shares = ratio ** -np.linspace(0, 1, classes)
    ends = np.round(np.cumsum(shares / shares.sum()) * images).astype(np.int64)
    return np.diff(ends, prepend=0)


def plan(
    images: int,
    ratio: float,
    classes: int,
    separation: float,
    missing_sites: float,
    seed: int,
    resolution: int,
) -> pd.DataFrame:
    """Return the lesion table; see :class:`imbalance_derm.data.sources.phantom.Phantom`."""
    rng = np.random.default_rng((seed, 0))
    labels: list[str] = []
    views: list[int] = []
    for label, count in zip(class_list(classes), class_counts(images, ratio, classes), strict=True):
        drawn = _groups(rng, int(count), _PHOTOGRAPHS)
        labels += [label] * len(drawn)
        views += drawn
    order = rng.permutation(len(labels))
    patients = np.empty(len(labels), dtype=np.int64)
    members = _groups(rng, len(labels), _LESIONS_PER_PATIENT)
    patients[order] = np.repeat(np.arange(len(members)), members)
    rows = []
    for lesion, (label, photographs) in enumerate(zip(labels, views, strict=True)):
        site = str(rng.choice(list(SITES), p=site_probabilities(label)))
        told = None if rng.random() < missing_sites else site
        for view in range(photographs):
            shot = Shot(
                seed, lesion, int(patients[lesion]), view, label, site, separation, resolution
            )
            rows.append(
                {
                    "image": f"phantom_{lesion:06d}_{view}",
                    "label": label,
                    "site": told,
                    "lesion": f"lesion_{lesion:06d}",
                    "patient": f"patient_{patients[lesion]:06d}",
                    "source": shot.reference(),
                }
            )
    return lesion_table(pd.DataFrame(rows))


def _groups(rng: np.random.Generator, total: int, shares: tuple[float, ...]) -> list[int]:
    """Cut `total` into groups of one, two, three..., as often as `shares` say."""
    sizes: list[int] = []
    while total:
        sizes.append(min(total, 1 + int(rng.choice(len(shares), p=shares))))
        total -= sizes[-1]
    return sizes
