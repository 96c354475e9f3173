"""SMOTE between codes, by imbalanced-learn, with the two parents of every new point."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from imblearn.over_sampling import SMOTE

from imbalance_derm.errors import InputError

USUAL = 5
"""Neighbours that ``auto`` takes where the class has that many (Chawla et al. 2002)."""


class _ParentTrackingSmote(SMOTE):
    """Keeps, as ``parents_``, between which rows imbalanced-learn interpolates."""

    def _generate_samples(
        self,
        X: np.ndarray,
        nn_data: np.ndarray,
        nn_num: np.ndarray,
        rows: np.ndarray,
        cols: np.ndarray,
        *rest: Any,
        **named: Any,
    ) -> np.ndarray:
        self.parents_ = np.stack([rows, nn_num[rows, cols]], axis=1)
        made: np.ndarray = super()._generate_samples(X, nn_data, nn_num, rows, cols, *rest, **named)
        return made


def interpolate(
    codes: np.ndarray, count: int, neighbors: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return SMOTE points between the codes of one class, and their parents.

    Chawla et al. 2002, section 4.2, as imbalanced-learn computes it.

    Parameters
    ----------
    codes : ndarray of float32, shape (n, d)
    count : int
        New points, at least 1.
    neighbors : int
        Neighbours among which the second parent is chosen, below n.
    seed : int
        ``random_state`` of imbalanced-learn, modulo 2**32.

    Returns
    -------
    made : ndarray of float32, shape (count, d)
    parents : ndarray of int, shape (count, 2)
        Rows of `codes`.

    Examples
    --------
    >>> made, parents = interpolate(np.array([[0.0], [1.0], [9.0]], np.float32), 4, 1, seed=0)
    >>> made.shape, parents.shape
    ((4, 1), (4, 2))
    """
    size = len(codes)
    sampler = _ParentTrackingSmote(
        sampling_strategy={1: size + count}, k_neighbors=neighbors, random_state=seed % 2**32
    )
    # imbalanced-learn refuses a single class: one more point stands for all the others.
    points = np.concatenate([codes, codes[:1]])
    labels = np.array([1] * size + [0])
    made = sampler.fit_resample(points, labels)[0][len(points) :]
    return made, sampler.parents_


def neighbors_for(name: str, size: int, asked: int | Literal["auto"]) -> int:
    """Return how many neighbours SMOTE chooses from in a class of `size` images.

    Raises
    ------
    InputError
        The class is too small; the text names it and says what to do.

    Examples
    --------
    >>> neighbors_for("mel", 4, "auto"), neighbors_for("nv", 80, "auto")
    (3, 5)
    """
    counted = f"class '{name}' has {size} training image{'s' * (size != 1)}"
    if size < 2:
        raise InputError(
            f"{counted}, and DeepSMOTE needs two to interpolate; add images or remove the class"
        )
    if asked == "auto":
        return min(USUAL, size - 1)
    if size <= asked:
        raise InputError(
            f"{counted}, and DeepSMOTE with k_neighbors={asked} needs {asked + 1}; "
            "use --set synth.k_neighbors=auto"
        )
    return asked
