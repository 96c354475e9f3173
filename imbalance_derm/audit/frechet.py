"""Distance between the Gaussians that fit two sets of features."""

from __future__ import annotations

import numpy as np


def frechet(x: np.ndarray, y: np.ndarray) -> float:
    """Return the squared Frechet distance of the Gaussians fitted to two sets of features.

    Over Inception features this is the "FID". It grows as images become fewer, and with no more
    images than features the covariances are singular: its caller refuses that.

    Parameters
    ----------
    x, y : ndarray of float, shapes (n, d) and (m, d)

    Notes
    -----
    Heusel et al. 2017, arXiv 1706.08500, equation 6. The trace of the root of the product of
    covariances is taken from a symmetric matrix with the same eigenvalues.

    Examples
    --------
    >>> x = np.array([[0.0], [2.0]])
    >>> round(frechet(x, 3 * x + 1), 6)
    17.0
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    cov_x, cov_y = np.atleast_2d(np.cov(x.T)), np.atleast_2d(np.cov(y.T))
    values, vectors = np.linalg.eigh(cov_x)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    shared = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ cov_y @ root), 0.0)).sum()
    apart = np.sum((x.mean(axis=0) - y.mean(axis=0)) ** 2)
    return float(max(0.0, apart + np.trace(cov_x) + np.trace(cov_y) - 2 * shared))
