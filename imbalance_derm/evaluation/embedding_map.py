"""A picture of the embedding: points that are close in it are close on the map."""

from __future__ import annotations

import warnings
from contextlib import suppress

import numpy as np
from sklearn.decomposition import PCA

FEWEST = 4
"""Fewer points have no neighbourhoods to keep."""

_NEIGHBOURS = 15
_COMPONENTS = 50


def embedding_map(embeddings: np.ndarray, seed: int = 0) -> np.ndarray | None:
    """Return the UMAP projection of embeddings onto a plane.

    Distances between far groups, and sizes of groups, mean nothing on such a map.

    Parameters
    ----------
    embeddings : ndarray of float, shape (n, d)
        Finite.
    seed : int
        The same seed gives the same map on one machine.

    Returns
    -------
    ndarray of float32, shape (n, 2), or None
        None for fewer than 4 points.

    Notes
    -----
    McInnes, Healy and Melville (2018), arXiv 1802.03426, with 15 neighbours or as many as there
    are, after PCA to 50 dimensions.

    Examples
    --------
    >>> embedding_map(np.zeros((3, 8))) is None
    True
    """
    count, width = embeddings.shape
    if count < FEWEST:
        return None
    if min(count, width) > _COMPONENTS:
        reduction = PCA(_COMPONENTS, svd_solver="randomized", random_state=seed)
        embeddings = reduction.fit_transform(embeddings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # numba takes seconds to import; only reports need it.
        from umap import UMAP

        _keep_compiled()
        neighbours = min(_NEIGHBOURS, count - 1)
        # Laplacian eigenvectors need more points than they have dimensions to spare.
        start = "spectral" if count > _NEIGHBOURS else "random"
        reducer = UMAP(n_neighbors=neighbours, init=start, random_state=seed, n_jobs=1)
        return np.asarray(reducer.fit_transform(embeddings), dtype=np.float32)


def _keep_compiled() -> None:
    """Have numba keep on disk what it compiles of umap; else every process spends 10 s on it."""
    from numba.core.dispatcher import Dispatcher
    from umap import distances, layouts, umap_, utils

    for module in (distances, layouts, umap_, utils):
        for function in vars(module).values():
            if isinstance(function, Dispatcher) and not function.overloads:
                with suppress(RuntimeError):  # no folder to keep it in
                    function.enable_caching()
