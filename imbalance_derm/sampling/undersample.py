"""Fewer rows of the frequent classes, chosen by imbalanced-learn."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from imbalance_derm.errors import InputError
from imbalance_derm.sampling.contract import Sampler, SamplingContext

_CLASSES = {
    "random": "RandomUnderSampler",
    "near_miss": "NearMiss",
    "tomek_links": "TomekLinks",
    "edited_nearest_neighbours": "EditedNearestNeighbours",
    "all_knn": "AllKNN",
    "neighbourhood_cleaning_rule": "NeighbourhoodCleaningRule",
    "one_sided_selection": "OneSidedSelection",
}


class Undersample(Sampler):
    """Leave out rows of every class but the rarest; feed the others once, in random order.

    Parameters
    ----------
    method : str
        ``random`` draws as many rows of each class as the rarest has, anew for each pass; it
        needs labels only. The others compare embeddings. ``near_miss`` keeps as many rows,
        those closest to the rarest class. The rest clean and do not balance: ``tomek_links``
        leaves out a row that has its nearest neighbour in another class and is its nearest
        neighbour, too; ``edited_nearest_neighbours``, ``all_knn`` and
        ``neighbourhood_cleaning_rule`` leave out rows among neighbours of other classes;
        ``one_sided_selection`` leaves out links as well as rows far inside their class.

    Notes
    -----
    The classes of imbalanced-learn do the work, with their default parameters
    (``NearMiss`` is version 1) and a seed from the pass's generator as ``random_state``.
    What does not depend on that seed is worked out once.

    Cleaning can leave nothing of a class that is rare but not the rarest. It is refused then,
    since a class that is never fed cannot be learned.

    References
    ----------
    Lemaitre et al. 2017, "Imbalanced-learn", JMLR 18(17). Near miss: Zhang and Mani 2003.
    Tomek links: Tomek 1976. Edited nearest neighbours: Wilson 1972. All k-NN: Tomek 1976.
    Neighbourhood cleaning rule: Laurikkala 2001. One-sided selection: Kubat and Matwin 1997.

    Examples
    --------
    >>> context = SamplingContext(labels=np.array([0] * 90 + [1] * 10), classes=2)
    >>> rows = Undersample().order(context, np.random.default_rng(0))
    >>> np.bincount(context.labels[rows]).tolist()
    [10, 10]
    """

    def __init__(
        self,
        *,
        method: Literal[
            "random",
            "near_miss",
            "tomek_links",
            "edited_nearest_neighbours",
            "all_knn",
            "neighbourhood_cleaning_rule",
            "one_sided_selection",
        ] = "random",
    ) -> None:
        self.method = method
        self._last: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None

    def check(self, embeddings: bool) -> None:
        """Check that there are embeddings where the method compares them."""
        if self.method != "random" and not embeddings:
            raise InputError(
                f"sampler undersample/{self.method} compares embeddings, but images are fed; use "
                "--set backbone.frozen=true, or --sampler undersample/random"
            )

    def order(self, context: SamplingContext, rng: np.random.Generator) -> np.ndarray:
        """Return the rows that are kept.

        Raises
        ------
        InputError
            The method needs embeddings and images are fed, a class is too small for it, or it
            leaves nothing of a class.
        """
        labels = context.labels
        self.check(embeddings=context.samples is not None)
        points = labels[:, None] if self.method == "random" else context.samples
        assert points is not None
        seed = int(rng.integers(2**32))
        if len(np.unique(labels)) == 1:
            return rng.permutation(len(labels))
        return rng.permutation(self._keep(points, labels, seed))

    def _keep(self, points: np.ndarray, labels: np.ndarray, seed: int) -> np.ndarray:
        from imblearn import under_sampling

        chooser = getattr(under_sampling, _CLASSES[self.method])()
        if "random_state" in chooser.get_params():
            return self._choose(chooser.set_params(random_state=seed), points, labels)
        # Neighbours among ten thousand embeddings take seconds, more than a pass over them.
        last = self._last
        if last is None or not (
            np.array_equal(last[0], points) and np.array_equal(last[1], labels)
        ):
            last = self._last = points, labels, self._choose(chooser, points, labels)
        return last[2]

    def _choose(self, chooser: Any, points: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Return imbalanced-learn's choice of rows, int64 (m,)."""
        try:
            chooser.fit_resample(points, labels)
        except ValueError as error:
            reason = " ".join(str(error).split()).rstrip(".")
            raise InputError(
                f"sampler undersample/{self.method}: {type(chooser).__name__} says '{reason}'; "
                "use --sampler undersample/random"
            ) from error
        kept = np.asarray(chooser.sample_indices_, dtype=np.int64)
        lost = np.setdiff1d(labels, labels[kept])
        if len(lost):
            raise InputError(
                f"sampler undersample/{self.method} leaves none of the {np.sum(labels == lost[0])} "
                f"training images of class {lost[0]} (counted from 0); use --sampler "
                "undersample/random"
            )
        return kept
