"""What an audit is handed: the real training images, the samples made of them, and their bonds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from imbalance_derm.errors import InputError

CAP = 2000
"""Images per class and side at the most; the pairwise figures cost its square."""


@dataclass(frozen=True, eq=False)
class Real:
    """All real training images, of every class: the sources of the samples are among them.

    Attributes
    ----------
    features : ndarray of float32, shape (n, d)
        By the extractor that the audit names.
    images : ndarray of uint8, shape (n, s, s, 3), or None
        RGB; may be a memory map.
    labels : ndarray of int, shape (n,)
    image_ids, lesion_ids : ndarray of str, shape (n,)
        Image ids are unique; photographs of one lesion share its lesion id.
    """

    features: np.ndarray
    images: np.ndarray | None
    labels: np.ndarray
    image_ids: np.ndarray
    lesion_ids: np.ndarray


@dataclass(frozen=True, eq=False)
class Made:
    """Synthetic samples.

    Attributes
    ----------
    features : ndarray of float32, shape (m, d)
        By the same extractor.
    images : ndarray of uint8, shape (m, s, s, 3), or None
        None where the synthesizer works on embeddings.
    labels : ndarray of int, shape (m,)
        The class that was intended.
    sources : list of tuple of str, length m
        Image ids that each sample was made from; empty where it came from noise.
    """

    features: np.ndarray
    images: np.ndarray | None
    labels: np.ndarray
    sources: list[tuple[str, ...]]


@dataclass(frozen=True, eq=False)
class Origins:
    """Which images and samples depend on each other, as numbers.

    Attributes
    ----------
    lesions : ndarray of int64, shape (n,)
        Number of each real image's lesion, from 0.
    rows, source_lesions : ndarray of int64, shape (m, w)
        Rows of each sample's sources and the lesions of these, padded with -1.
    groups : ndarray of int64, shape (m,)
        Lesion of the sample's first source, the one it is nearest to; a number of its own,
        above all lesions, where it came from noise.
    """

    lesions: np.ndarray
    rows: np.ndarray
    source_lesions: np.ndarray
    groups: np.ndarray

    def related(self, real: np.ndarray, made: np.ndarray) -> np.ndarray:
        """Return whether each real image shows a lesion that each sample was made from.

        Parameters
        ----------
        real, made : ndarray of int, shapes (p,) and (q,)
            Rows.

        Returns
        -------
        ndarray of bool, shape (p, q)
        """
        found = np.zeros((len(real), len(made)), bool)
        for column in self.source_lesions[made].T:
            found |= self.lesions[real][:, None] == column
        return found


def trace(real: Real, made: Made) -> Origins:
    """Find the sources of every sample among the real images.

    Raises
    ------
    InputError
        Arrays do not fit together, or a source is not among the real images.

    Examples
    --------
    >>> ids = np.array(["a", "b", "c"])
    >>> real = Real(np.zeros((3, 2), np.float32), None, np.zeros(3, int), ids,
    ...             np.array(["one", "one", "two"]))
    >>> made = Made(np.zeros((2, 2), np.float32), None, np.zeros(2, int), [("c", "a"), ()])
    >>> origins = trace(real, made)
    >>> origins.rows.tolist(), origins.groups.tolist()
    ([[2, 0], [-1, -1]], [1, 3])
    >>> origins.related(np.arange(3), np.arange(2)).astype(int).tolist()
    [[1, 0], [1, 0], [1, 0]]
    """
    _check(real, made)
    lesions = np.unique(real.lesion_ids, return_inverse=True)[1].astype(np.int64)
    place = {str(image): row for row, image in enumerate(real.image_ids)}
    width = max((len(sources) for sources in made.sources), default=0)
    rows = np.full((len(made.sources), max(1, width)), -1, np.int64)
    for sample, sources in enumerate(made.sources):
        for column, source in enumerate(sources):
            if source not in place:
                raise InputError(
                    f"synthetic sample {sample} was made of image '{source}', which is not among "
                    "the real training images; audit it with the images it was made of"
                )
            rows[sample, column] = place[source]
    source_lesions = np.where(rows >= 0, lesions[rows], -1)
    own = lesions.max() + 1 + np.arange(len(rows))
    groups = np.where(source_lesions[:, 0] >= 0, source_lesions[:, 0], own)
    return Origins(lesions, rows, source_lesions, groups)


def draw(rows: np.ndarray, seed: tuple[int, ...], cap: int = CAP) -> np.ndarray:
    """Return `rows`, or `cap` of them drawn at random, in their order.

    Examples
    --------
    >>> len(draw(np.arange(50), (0, 1), cap=10)), len(draw(np.arange(5), (0, 1), cap=10))
    (10, 5)
    """
    if len(rows) <= cap:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, cap, replace=False))


def _check(real: Real, made: Made) -> None:
    if len(real.features) == 0:
        raise InputError("there is no real image to compare synthetic samples with")
    for name, held, count in (
        ("real", real, len(real.features)),
        ("synthetic", made, len(made.features)),
    ):
        aligned = [held.labels, held.images if held.images is not None else held.labels]
        aligned += [held.image_ids, held.lesion_ids] if isinstance(held, Real) else []
        if any(len(values) != count for values in aligned):
            raise InputError(f"the arrays of {name} samples differ in length; align them")
        if not np.isfinite(held.features).all():
            raise InputError(f"features of {name} samples are not finite; check the extractor")
    if len(made.sources) != len(made.features):
        raise InputError("the arrays of synthetic samples differ in length; align them")
    if real.features.shape[1:] != made.features.shape[1:]:
        raise InputError(
            f"real features have shape {real.features.shape[1:]}, synthetic ones "
            f"{made.features.shape[1:]}; use one extractor for both"
        )
    if real.images is not None and made.images is not None:
        sizes = real.images.shape[1:], made.images.shape[1:]
        if sizes[0] != sizes[1]:
            raise InputError(f"real images are {sizes[0]}, synthetic ones {sizes[1]}; resize one")
