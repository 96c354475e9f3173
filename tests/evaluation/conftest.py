"""Predictions that the tests of this room share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from imbalance_derm.evaluation.predictions import Predictions

MakePredictions = Callable[..., Predictions]


@pytest.fixture(scope="session")
def make_predictions() -> MakePredictions:
    """Return a maker of random predictions; `decimals` makes ties, `photographs` clusters."""

    def make(
        seed: int,
        counts: tuple[int, ...] = (60, 25),
        decimals: int | None = None,
        photographs: int = 1,
        signal: float = 1.0,
    ) -> Predictions:
        rng = np.random.default_rng(seed)
        classes = len(counts)
        lesion_labels = np.repeat(np.arange(classes), counts)
        labels = np.repeat(lesion_labels, photographs)
        # Photographs of one lesion share most of what the model says of them.
        shared = rng.normal(size=(len(lesion_labels), classes))
        logits = np.repeat(shared, photographs, axis=0)
        logits += 0.3 * rng.normal(size=logits.shape)
        logits[np.arange(len(labels)), labels] += signal
        probabilities = np.exp(logits)
        probabilities /= probabilities.sum(axis=1, keepdims=True)
        if decimals is not None:
            # Only the last column is independent in a binary problem, so that rows sum to 1.
            probabilities = np.round(probabilities, decimals)
            if classes == 2:
                probabilities[:, 0] = 1.0 - probabilities[:, 1]
        lesions = np.repeat(np.arange(len(lesion_labels)), photographs)
        order = rng.permutation(len(labels))
        return Predictions(
            image_ids=np.array([f"image{i}" for i in range(len(labels))]),
            lesion_ids=np.array([f"lesion{i}" for i in lesions[order]]),
            labels=labels[order],
            probabilities=probabilities[order],
            classes=tuple("abcdefgh"[:classes]),
        )

    return make
