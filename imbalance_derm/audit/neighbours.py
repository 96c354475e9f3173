"""Precision, recall, density, coverage: whether samples lie among real images, and vice versa."""

from __future__ import annotations

import numpy as np

NEIGHBOURS = 5


def distances(inner: np.ndarray, squares_x: np.ndarray, squares_y: np.ndarray) -> np.ndarray:
    """Return Euclidean distances, float64 (n, m), from inner products and squared norms.

    Examples
    --------
    >>> distances(np.array([[0.0]]), np.array([9.0]), np.array([16.0])).tolist()
    [[5.0]]
    """
    return np.sqrt(np.maximum(squares_x[:, None] + squares_y - 2 * inner, 0.0))


def prdc(
    real: np.ndarray, across: np.ndarray, made: np.ndarray, k: int = NEIGHBOURS
) -> dict[str, float]:
    """Return precision, recall, density and coverage.

    Precision is the share of samples within a ball around a real image, recall the share of real
    images within a ball around a sample; density counts the balls a sample is in, per `k`, and
    coverage the real balls with a sample in them. Each ball reaches to the k-th neighbour of the
    same side. All four depend on the numbers of images: compare them at equal numbers only.

    Parameters
    ----------
    real, across, made : ndarray of float, shapes (n, n), (n, m), (m, m)
        Distances among real images, from real images to samples, among samples.
    k : int
        Less than n and m.

    Notes
    -----
    Kynkaanniemi et al. 2019, arXiv 1904.06991, equations 1 and 2; Naeem et al. 2020,
    arXiv 2002.09797, equations 3 and 5.

    Examples
    --------
    >>> points = np.arange(4.0)
    >>> apart = np.abs(points[:, None] - points)
    >>> prdc(apart, apart + 10, apart, k=1)
    {'precision': 0.0, 'recall': 0.0, 'density': 0.0, 'coverage': 0.0}
    """
    # A point's own distance of 0 is the smallest of its row, so that place k is neighbour k.
    real_radius = np.partition(real, k, axis=1)[:, k]
    made_radius = np.partition(made, k, axis=1)[:, k]
    in_real = across < real_radius[:, None]
    return {
        "precision": float(in_real.any(axis=0).mean()),
        "recall": float((across < made_radius).any(axis=1).mean()),
        "density": float(in_real.sum(axis=0).mean() / k),
        "coverage": float(in_real.any(axis=1).mean()),
    }
