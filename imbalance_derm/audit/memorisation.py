"""Are samples copies of training images? Nearest images of other lesions, beside real ones' own.

Distance is 1 less the cosine of the features: it does not change with their norm, which contrast
and blur move. A sample is flagged where it is nearer to a training image than all but 1 % of real
images are to one of another lesion or, where there are images, more similar in structure (SSIM)
than all but 1 %. Either is enough: a little noise moves features far and leaves the structure, a
small shift does the reverse. Smooth samples can reach a high SSIM without being copies, so both
shares are told apart and the closest pairs are kept to be looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from imbalance_derm.audit.grouped import grouped_share
from imbalance_derm.audit.inputs import Made, Origins, Real, draw
from imbalance_derm.audit.ssim import WINDOW, best_ssim, shrink_grey
from imbalance_derm.experiment.record import Figure

RARE = 0.01
"""Share of real images beyond either threshold."""

CANDIDATES = 5
"""Nearest images by features among which the most similar in structure is looked for."""

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
PAIRS = 12

_BLOCK = 256


@dataclass(frozen=True, slots=True)
class ClosePair:
    """A sample and a training image of another lesion than its sources.

    Attributes
    ----------
    sample, real : int
        Rows of the audited samples and of the real images.
    distance : float
        1 less the cosine of their features.
    ssim : float or None
        Of grey copies of 64 pixels, turned and flipped to match.
    flagged : bool
    """

    sample: int
    real: int
    distance: float
    ssim: float | None
    flagged: bool


@dataclass(frozen=True, slots=True)
class Nearness:
    """Quantiles (:data:`QUANTILES`) of a measure of samples, and of real images."""

    made: tuple[float, ...]
    real: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Memorisation:
    """How near the samples of one class come to training images they were not made of.

    Attributes
    ----------
    samples, real : int
        Samples, and real images of the class that give the thresholds.
    distance_threshold, ssim_threshold : float or None
        1 % quantile of the real images' distance, 99 % quantile of their SSIM.
    flagged : Figure or None
        Share of samples at or beyond either; groups are the sources.
    floor : Figure or None
        Share of real images at or beyond either; groups are the lesions. About 2 % at the most,
        by construction, and 1 % without images.
    by_distance, by_ssim : float or None
        Share of samples flagged for each reason; some for both.
    distance, ssim : Nearness or None
        To the nearest by features; of the most similar among the five nearest.
    closest : tuple of ClosePair
        For a gallery, the flagged before the others, by SSIM or, without images, by distance.
    missing : str
        Why nothing is given, or "".
    """

    samples: int
    real: int
    distance_threshold: float | None
    ssim_threshold: float | None
    flagged: Figure | None
    floor: Figure | None
    by_distance: float | None
    by_ssim: float | None
    distance: Nearness | None
    ssim: Nearness | None
    closest: tuple[ClosePair, ...]
    missing: str = ""


def measure_memorisation(
    real: Real, made: Made, origins: Origins, label: int, seed: int
) -> Memorisation:
    """Compare the samples of class `label` with all training images of lesions not their own.

    Examples
    --------
    >>> from imbalance_derm.audit.inputs import trace
    >>> rng = np.random.default_rng(0)
    >>> ids = np.arange(50).astype(str)
    >>> real = Real(rng.normal(size=(50, 8)), None, np.zeros(50, int), ids, ids)
    >>> made = Made(real.features[:20] * 1.5, None, np.zeros(20, int), [()] * 20)
    >>> measure_memorisation(real, made, trace(real, made), 0, seed=0).flagged.value
    1.0
    """
    rows = draw(np.flatnonzero(real.labels == label), (seed, label, 0))
    samples = draw(np.flatnonzero(made.labels == label), (seed, label, 1))
    everything = np.arange(len(real.labels))
    if len(rows) == 0 or len(np.unique(origins.lesions)) < 2:
        return Memorisation(
            *(len(samples), len(rows), None, None, None, None, None, None, None, None, ()),
            missing="it needs real images of the class, and training images of two lesions",
        )
    space = _unit(real.features)
    ours = _nearest(
        _unit(made.features[samples]),
        space,
        lambda part: origins.related(everything, samples[part]).T,
    )
    theirs = _nearest(
        space[rows], space, lambda part: origins.lesions[rows[part]][:, None] == origins.lesions
    )
    distance, real_distance = ours.distances[:, 0], theirs.distances[:, 0]
    limit = float(np.quantile(real_distance, RARE))
    beyond, real_beyond = distance <= limit, real_distance <= limit
    by_distance = float(beyond.mean())

    similar = best = real_best = ssim_limit = by_ssim = None
    if real.images is not None and made.images is not None and real.images.shape[1] >= WINDOW:
        needed = np.unique(np.concatenate([ours.rows.ravel(), theirs.rows.ravel(), rows]))
        grey = np.zeros((len(real.labels), *shrink_grey(real.images[:1]).shape[1:]), np.uint8)
        grey[needed] = shrink_grey(real.images[needed])
        similar = _structure(shrink_grey(made.images[samples]), grey, ours)
        best, real_best = similar.max(axis=1), _structure(grey[rows], grey, theirs).max(axis=1)
        ssim_limit = float(np.quantile(real_best, 1 - RARE))
        by_ssim = float((best >= ssim_limit).mean())
        beyond, real_beyond = beyond | (best >= ssim_limit), real_beyond | (real_best >= ssim_limit)
    return Memorisation(
        len(samples),
        len(rows),
        limit,
        ssim_limit,
        grouped_share(beyond, origins.groups[samples], seed),
        grouped_share(real_beyond, origins.lesions[rows], seed),
        by_distance,
        by_ssim,
        _nearness(distance, real_distance),
        None if best is None or real_best is None else _nearness(best, real_best),
        _closest(samples, ours, similar, beyond),
    )


@dataclass(frozen=True, eq=False)
class _Found:
    """Rows and distances (q, k) of the nearest allowed images; infinite where there are none."""

    rows: np.ndarray
    distances: np.ndarray


def _unit(features: np.ndarray) -> np.ndarray:
    features = np.asarray(features, np.float32)
    return features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)


def _nearest(
    queries: np.ndarray, space: np.ndarray, excluded: Callable[[slice], np.ndarray]
) -> _Found:
    """Find the nearest rows of `space` to each query, `excluded(part)` (b, n) left out."""
    count = min(CANDIDATES, len(space))
    rows = np.zeros((len(queries), count), np.int64)
    found = np.zeros((len(queries), count))
    for start in range(0, len(queries), _BLOCK):
        part = slice(start, start + _BLOCK)
        cosine = queries[part] @ space.T
        cosine[excluded(part)] = -np.inf
        near = np.argpartition(-cosine, count - 1, axis=1)[:, :count]
        # Single precision finds the candidates; which is nearer is told in double precision.
        exact = np.einsum("bd,bkd->bk", queries[part], space[near], dtype=np.float64)
        apart = np.round(np.maximum(1.0 - exact, 0.0), 9)
        apart[np.isneginf(np.take_along_axis(cosine, near, axis=1))] = np.inf
        order = np.lexsort((near, apart), axis=1)
        rows[part] = np.take_along_axis(near, order, axis=1)
        found[part] = np.take_along_axis(apart, order, axis=1)
    return _Found(rows, found)


def _structure(queries: np.ndarray, grey: np.ndarray, found: _Found) -> np.ndarray:
    """Return the SSIM of each query with its candidates, (q, k); -1 where there is none."""
    similar = np.full(found.rows.shape, -1.0)
    query, place = np.nonzero(np.isfinite(found.distances))
    similar[query, place] = best_ssim(queries[query], grey[found.rows[query, place]])
    return similar


def _nearness(made: np.ndarray, real: np.ndarray) -> Nearness | None:
    """Return quantiles of both, those without any image of another lesion left out."""
    made, real = made[np.isfinite(made)], real[np.isfinite(real)]
    if not len(made) or not len(real):
        return None
    return Nearness(
        tuple(np.quantile(made, QUANTILES).tolist()), tuple(np.quantile(real, QUANTILES).tolist())
    )


def _closest(
    samples: np.ndarray, found: _Found, similar: np.ndarray | None, flagged: np.ndarray
) -> tuple[ClosePair, ...]:
    """Return the closest pairs, each sample with its most similar candidate."""
    place = np.zeros(len(samples), int) if similar is None else similar.argmax(axis=1)
    query = np.arange(len(samples))
    distance = found.distances[query, place]
    nearness = distance if similar is None else -similar[query, place]
    order = [row for row in np.lexsort((nearness, ~flagged)) if np.isfinite(distance[row])]
    return tuple(
        ClosePair(
            int(samples[row]),
            int(found.rows[row, place[row]]),
            float(distance[row]),
            None if similar is None else float(similar[row, place[row]]),
            bool(flagged[row]),
        )
        for row in order[:PAIRS]
    )
