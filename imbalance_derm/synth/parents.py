"""Which two real points an interpolated point lies between."""

from __future__ import annotations

import numpy as np
from sklearn.neighbors import NearestNeighbors

_BATCH = 256


def find_parents(members: np.ndarray, made: np.ndarray, neighbors: int) -> np.ndarray:
    """Find the pair of neighbours on whose connecting line each made point lies.

    imbalanced-learn does not say from which points it made one, so the pair is recovered:
    of all members and their nearest neighbours, the pair whose line passes closest.

    Parameters
    ----------
    members : ndarray of float, shape (n, d)
        Real points of the class.
    made : ndarray of float, shape (m, d)
    neighbors : int
        Neighbours among which the second parent was chosen.

    Returns
    -------
    ndarray of int, shape (m, 2)
        Rows of `members`, the nearer parent first.

    Examples
    --------
    >>> members = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 9.0]])
    >>> find_parents(members, np.array([[1.0, 0.0]]), neighbors=1).tolist()
    [[0, 1]]
    """
    centre = members.mean(axis=0, dtype=np.float64)
    real = members - centre
    near = NearestNeighbors(n_neighbors=neighbors + 1).fit(members)
    others = near.kneighbors(members, return_distance=False)[:, 1:]
    pairs = np.stack([np.repeat(np.arange(len(members)), neighbors), others.ravel()], axis=1)
    # A pair of mutual neighbours is one line.
    first, second = np.unique(np.sort(pairs, axis=1), axis=0).T
    # Every distance to a line follows from inner products, so no difference of images is formed.
    norms, gram = np.einsum("nd,nd->n", real, real), real @ real.T
    across = gram[first, second] - norms[first]
    length = norms[second] - norms[first] - 2 * across
    found = np.empty((len(made), 2), np.int64)
    for start in range(0, len(made), _BATCH):
        inner = (made[start : start + _BATCH] - centre) @ real.T
        along = inner[:, second] - inner[:, first] - across
        # Squared distance to the line less the point's own squared norm, which is constant.
        offset = norms[first] - 2 * inner[:, first] - along**2 / np.maximum(length, 1e-12)
        best = offset.argmin(axis=1)
        row = np.arange(len(best))
        nearer_second = along[row, best] > 0.5 * length[best]
        ends = np.stack([first[best], second[best]], axis=1)
        ends[nearer_second] = ends[nearer_second, ::-1]
        found[start : start + len(best)] = ends
    return found
