"""Are samples of a class distributed as its real images are? Beside what real images give.

Every figure stands beside its floor: the same figure between two halves of the real images that
share no lesion. Floor and figure are taken at the same numbers of images, half A against half B and
half A against as many samples, none of them made of a lesion of A; for several random halves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from imbalance_derm.audit.frechet import frechet
from imbalance_derm.audit.inputs import Made, Origins, Real, draw
from imbalance_derm.audit.kid import kernel_pairs, kid, squared_mmd
from imbalance_derm.audit.neighbours import NEIGHBOURS, distances, prdc
from imbalance_derm.experiment.record import Figure

SPLITS = 10

FRECHET_SPLITS = 3
"""Its matrix roots cost more than all other figures together."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean and range of a figure over random halves; a range, not an interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Beside:
    """A figure of samples against real images, and of real against real, at equal numbers."""

    made: Spread
    floor: Spread


@dataclass(frozen=True, slots=True)
class Fidelity:
    """How the samples of one class are distributed, seen by the extractor of the audit.

    Attributes
    ----------
    real, made : int
        Images and samples used, 2000 of a side at the most.
    kid : Figure or None
        Kernel distance of all of them, unbiased, with its jackknife interval over groups.
    frechet : float or None
        Squared Frechet distance of all of them.
    compared : dict of str to Beside
        ``kid``, ``precision``, ``recall``, ``density``, ``coverage`` and, where the halves are
        large enough, ``frechet``.
    half, matched : int
        Images in half A, and images or samples compared with it, on average over the halves.
    missing : dict of str to str
        Why a figure is not given.
    """

    real: int
    made: int
    kid: Figure | None
    frechet: float | None
    compared: dict[str, Beside]
    half: int
    matched: int
    missing: dict[str, str]


def measure_fidelity(real: Real, made: Made, origins: Origins, label: int, seed: int) -> Fidelity:
    """Compare the samples of class `label` with its real images.

    Parameters
    ----------
    real, made : Real, Made
    origins : Origins
        As :func:`~imbalance_derm.audit.inputs.trace` gives them.
    label, seed : int

    Examples
    --------
    >>> from imbalance_derm.audit.inputs import trace
    >>> rng = np.random.default_rng(0)
    >>> ids = np.arange(40).astype(str)
    >>> real = Real(rng.normal(size=(40, 4)), None, np.zeros(40, int), ids, ids)
    >>> made = Made(rng.normal(size=(30, 4)) + 3, None, np.zeros(30, int), [()] * 30)
    >>> found = measure_fidelity(real, made, trace(real, made), 0, seed=0)
    >>> found.kid.low > found.compared["kid"].floor.high
    True
    """
    rows = draw(np.flatnonzero(real.labels == label), (seed, label, 0))
    samples = draw(np.flatnonzero(made.labels == label), (seed, label, 1))
    x = np.asarray(real.features[rows], np.float64)
    y = np.asarray(made.features[samples], np.float64)
    lesions, groups = origins.lesions[rows], origins.groups[samples]
    related = origins.related(rows, samples)

    inner_x, inner, inner_y = x @ x.T, x @ y.T, y @ y.T
    width = x.shape[1]
    within_x = kernel_pairs(inner_x, width, lesions[:, None] != lesions)
    across = kernel_pairs(inner, width, ~related)
    within_y = kernel_pairs(inner_y, width, groups[:, None] != groups)
    squares_x, squares_y = np.diag(inner_x).copy(), np.diag(inner_y).copy()
    apart_x = distances(inner_x, squares_x, squares_x)
    apart = distances(inner, squares_x, squares_y)
    apart_y = distances(inner_y, squares_y, squares_y)
    np.fill_diagonal(apart_x, 0.0)
    np.fill_diagonal(apart_y, 0.0)

    halves = list(_halves(lesions, related, (seed, label)))
    missing: dict[str, str] = {}
    compared: dict[str, Beside] = {}
    if halves:
        kids = [
            (
                squared_mmd(
                    within_x.part(a, a), across.part(a, chosen), within_y.part(chosen, chosen)
                ),
                squared_mmd(within_x.part(a, a), within_x.part(a, b), within_x.part(b, b)),
            )
            for a, b, chosen in halves
        ]
        _add(compared, "kid", kids)
        balls = [
            (
                prdc(apart_x[np.ix_(a, a)], apart[np.ix_(a, s)], apart_y[np.ix_(s, s)]),
                prdc(apart_x[np.ix_(a, a)], apart_x[np.ix_(a, b)], apart_x[np.ix_(b, b)]),
            )
            for a, b, s in halves
        ]
        for name in balls[0][0]:
            _add(compared, name, [(ours[name], floor[name]) for ours, floor in balls])
    else:
        missing["compared"] = (
            f"{len(rows)} real images of {len(np.unique(lesions))} lesions and {len(samples)} "
            f"samples give no two halves of {NEIGHBOURS + 1} images and as many samples that "
            "were not made of the first half"
        )
    figure = kid(within_x, across, within_y, lesions, groups)
    if figure is None:
        missing["kid"] = "no two images of the class, or no two samples, are of different lesions"
    elif figure.low is None:
        missing["kid"] = "no interval: it needs three lesions or sources on either side"
    whole, parts = _frechet(x, y, halves, missing)
    _add(compared, "frechet", parts)
    return Fidelity(
        len(rows),
        len(samples),
        figure,
        whole,
        compared,
        round(float(np.mean([len(a) for a, _, _ in halves]))) if halves else 0,
        round(float(np.mean([len(b) for _, b, _ in halves]))) if halves else 0,
        missing,
    )


Half = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Rows of half A, of as many of half B as there are samples to compare, and these samples."""


def _halves(lesions: np.ndarray, related: np.ndarray, seed: tuple[int, int]) -> Iterator[Half]:
    """Yield random halves that share no lesion, those that are too small left out."""
    names, lesion = np.unique(lesions, return_inverse=True)
    rng = np.random.default_rng((*seed, 2))
    for _ in range(SPLITS):
        order = rng.permutation(len(names))
        images = np.cumsum(np.bincount(lesion, minlength=len(names))[order])
        first = np.zeros(len(names), bool)
        first[order[images <= (len(lesion) + 1) // 2]] = True
        a, b = np.flatnonzero(first[lesion]), np.flatnonzero(~first[lesion])
        # A sample made of a lesion of A is close to A for that reason alone; B has none such.
        foreign = np.flatnonzero(~related[a].any(axis=0))
        size = min(len(b), len(foreign))
        if min(len(a), size) > NEIGHBOURS:
            yield (
                a,
                np.sort(rng.choice(b, size, replace=False)),
                np.sort(rng.choice(foreign, size, replace=False)),
            )


def _add(
    compared: dict[str, Beside], name: str, found: list[tuple[float | None, float | None]]
) -> None:
    usable = np.array([pair for pair in found if None not in pair], np.float64)
    if len(usable):
        compared[name] = Beside(_spread(usable[:, 0]), _spread(usable[:, 1]))


def _spread(values: np.ndarray) -> Spread:
    return Spread(float(values.mean()), float(values.min()), float(values.max()))


def _frechet(
    x: np.ndarray, y: np.ndarray, halves: list[Half], missing: dict[str, str]
) -> tuple[float | None, list[tuple[float | None, float | None]]]:
    """Return the distance of all and those of the halves, or say in `missing` why not."""
    width, fewest = x.shape[1], min(len(x), len(y))
    if fewest <= width:
        missing["frechet"] = (
            f"{fewest} images on the smaller side and {width} features: the covariance of fewer "
            "images than features is singular"
        )
        return None, []
    parts = [half for half in halves if min(len(half[0]), len(half[1])) > width]
    if not parts:
        missing["frechet_floor"] = (
            f"halves of the real images have no more than {width} images, the number of features"
        )
    return frechet(x, y), [
        (frechet(x[a], y[chosen]), frechet(x[a], x[b])) for a, b, chosen in parts[:FRECHET_SPLITS]
    ]
