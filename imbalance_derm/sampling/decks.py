"""Rows by class: a class is drawn, then the next row of its shuffled deck."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def deal(labels: np.ndarray, drawn: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a row for each drawn class: the next one of that class's shuffled deck.

    A deck that is used up is shuffled anew, so that the rows of a class are all used before any
    is repeated.

    Parameters
    ----------
    labels : ndarray of int64, shape (n,)
        Class of each row.
    drawn : ndarray of int64, shape (m,)
        Classes, each of them the class of some row.
    rng : Generator

    Returns
    -------
    ndarray of int64, shape (m,)

    Examples
    --------
    >>> labels = np.array([0, 0, 0, 1])
    >>> rows = deal(labels, np.array([1, 0, 0, 1, 0]), np.random.default_rng(0))
    >>> labels[rows].tolist(), len(set(rows.tolist()))
    ([1, 0, 0, 1, 0], 4)
    """
    rows = np.empty(len(drawn), dtype=np.int64)
    for label in np.unique(labels):
        places, members = np.flatnonzero(drawn == label), np.flatnonzero(labels == label)
        passes = -(-len(places) // len(members))
        deck = np.concatenate([rng.permutation(members) for _ in range(passes)] or [members])
        rows[places] = deck[: len(places)]
    return rows


def draw(
    labels: np.ndarray, weigh: Callable[[np.ndarray], np.ndarray], rng: np.random.Generator
) -> np.ndarray:
    """Return as many rows as there are; classes are drawn with probability as `weigh` says.

    Parameters
    ----------
    labels : ndarray of int64, shape (n,)
        Class of each row; classes without rows are never drawn.
    weigh : callable
        Maps the numbers of rows of the classes that have any, float64 (k,), to their weights,
        of any sum.
    rng : Generator

    Returns
    -------
    ndarray of int64, shape (n,)

    Examples
    --------
    >>> labels = np.array([0] * 900 + [1] * 100)
    >>> rows = draw(labels, lambda n: n / n, np.random.default_rng(0))
    >>> len(rows), int(labels[rows].sum()) in range(450, 551)
    (1000, True)
    """
    present, counts = np.unique(labels, return_counts=True)
    weights = weigh(counts.astype(np.float64))
    return deal(labels, rng.choice(present, size=len(labels), p=weights / weights.sum()), rng)
