"""Makers of small audits that the tests of this room share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from imbalance_derm.audit.inputs import Made, Real

MakeReal = Callable[..., Real]
MakeMade = Callable[..., Made]


@pytest.fixture(scope="session")
def make_real() -> MakeReal:
    """Return a maker of real images; image i is called "i", lesion j "lesion j"."""

    def make(
        features: np.ndarray,
        labels: np.ndarray | None = None,
        images: np.ndarray | None = None,
        lesions: np.ndarray | None = None,
    ) -> Real:
        count = len(features)
        numbers = np.arange(count) if lesions is None else lesions
        return Real(
            np.asarray(features, np.float32),
            images,
            np.zeros(count, np.int64) if labels is None else labels,
            np.arange(count).astype(str),
            np.array([f"lesion {number}" for number in numbers]),
        )

    return make


@pytest.fixture(scope="session")
def make_made() -> MakeMade:
    """Return a maker of samples, from noise unless rows of their sources are given."""

    def make(
        features: np.ndarray,
        label: int = 0,
        images: np.ndarray | None = None,
        sources: list[tuple[int, ...]] | None = None,
    ) -> Made:
        count = len(features)
        named = [tuple(map(str, rows)) for rows in sources or [()] * count]
        return Made(
            np.asarray(features, np.float32), images, np.full(count, label, np.int64), named
        )

    return make


@pytest.fixture(scope="session")
def photographs() -> Callable[[int, int], np.ndarray]:
    """Return a maker of smooth random images, each unlike the others."""

    def make(count: int, seed: int, size: int = 32) -> np.ndarray:
        rng = np.random.default_rng(seed)
        coarse = rng.uniform(30, 220, (count, 6, 6, 3))
        at = np.linspace(0, 5, size)
        low = np.minimum(at.astype(int), 4)
        part = (at - low)[None, :, None, None]
        rows = coarse[:, low] * (1 - part) + coarse[:, low + 1] * part
        part = (at - low)[None, None, :, None]
        smooth = rows[:, :, low] * (1 - part) + rows[:, :, low + 1] * part
        return np.clip(smooth + rng.normal(0, 2, smooth.shape), 0, 255).astype(np.uint8)

    return make
