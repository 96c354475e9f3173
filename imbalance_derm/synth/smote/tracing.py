"""Which two real points each interpolated point lies between, seen while it is made.

imbalanced-learn does not say. But every one of its methods takes its neighbour search as an
object, and picks from the answer by row and column: the search given here keeps what is picked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.neighbors import NearestNeighbors


@dataclass(eq=False)
class Search:
    """One answered search, and what was picked from its answer.

    Attributes
    ----------
    asked, among : ndarray of float, shape (a, d) and (b, d)
        Points whose neighbours were searched, and points that were searched through.
    bases, neighbors : ndarray of int, shape (m,), or None
        For each point made: row of `asked` and row of `among`. None where the answer served
        another purpose.
    """

    asked: np.ndarray
    among: np.ndarray
    bases: np.ndarray | None = None
    neighbors: np.ndarray | None = None


class TracingNeighbors(NearestNeighbors):
    """scikit-learn's nearest neighbours, which keep their searches in ``searches_``.

    Examples
    --------
    >>> points = np.array([[0.0], [1.0], [5.0]], np.float32)
    >>> near = TracingNeighbors(n_neighbors=2).fit(points)
    >>> found = near.kneighbors(points, return_distance=False)[:, 1:]
    >>> found[np.array([2, 2]), np.array([0, 0])].tolist()
    [1, 1]
    >>> near.searches_[0].bases.tolist()
    [2, 2]
    """

    searches_: list[Search]
    among_: np.ndarray

    def __sklearn_clone__(self) -> TracingNeighbors:
        """Return itself: imbalanced-learn clones its search, and would trace into the clone."""
        return self

    def fit(self, X: np.ndarray, y: object = None) -> TracingNeighbors:
        """Search through `X` from now on; earlier searches stay."""
        self.among_ = X
        if not hasattr(self, "searches_"):
            self.searches_ = []
        super().fit(X, y)
        return self

    def kneighbors(
        self,
        X: np.ndarray | None = None,
        n_neighbors: int | None = None,
        return_distance: bool = True,
    ) -> Any:
        """Search as scikit-learn does; an answer without distances is traced."""
        found = super().kneighbors(X, n_neighbors, return_distance)
        if return_distance:
            return found
        answer = found.view(_Answer)
        answer.search = Search(self.among_ if X is None else X, self.among_)
        self.searches_.append(answer.search)
        return answer


class _Answer(np.ndarray):
    """Neighbours, one row for each point asked about, that note what is picked from them."""

    search: Search | None

    def __array_finalize__(self, origin: Any) -> None:
        self.search = getattr(origin, "search", None)

    def __getitem__(self, key: Any) -> Any:
        picked = super().__getitem__(key)
        if not (isinstance(key, tuple) and all(isinstance(part, np.ndarray) for part in key)):
            return picked
        picked = np.asarray(picked)
        if self.search is not None:
            self.search.bases, self.search.neighbors = key[0], picked
        return picked


def trace_parents(searches: Sequence[Search], points: np.ndarray) -> np.ndarray:
    """Return the two parents of each point made, in the order of making.

    Parameters
    ----------
    searches : sequence of Search
    points : ndarray of float, shape (n, d)
        All real points; what was searched are copies of some of its rows.

    Returns
    -------
    ndarray of int, shape (m, 2)
        Rows of `points`: the point that it starts from, and the neighbour. Of identical points
        the first is named.

    Examples
    --------
    >>> points = np.array([[0.0], [1.0], [5.0]], np.float32)
    >>> search = Search(points[1:], points, np.array([1]), np.array([0]))
    >>> trace_parents([search], points).tolist()
    [[2, 0]]
    """
    place: dict[bytes, int] = {}
    for row, key in enumerate(_keys(points)):
        place.setdefault(key, row)
    pairs = [np.empty((0, 2), np.int64)]
    for search in searches:
        if search.bases is None or search.neighbors is None:
            continue
        asked = np.array([place[key] for key in _keys(search.asked)])
        among = np.array([place[key] for key in _keys(search.among)])
        pairs.append(np.stack([asked[search.bases], among[search.neighbors]], axis=1))
    return np.concatenate(pairs)


def _keys(points: np.ndarray) -> list[bytes]:
    return [hashlib.sha256(row).digest() for row in np.ascontiguousarray(points)]
