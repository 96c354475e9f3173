"""Fit what is done to the logits, on validation."""

from __future__ import annotations

import numpy as np

from imbalance_derm.pipeline.classifier import Trained
from imbalance_derm.pipeline.lesions import Split
from imbalance_derm.pipeline.workbench import Workbench
from imbalance_derm.posthoc.contract import Posthoc, PosthocContext


def fit_posthoc(
    bench: Workbench, trained: Trained, logits: np.ndarray, validation: Split, training: Split
) -> Posthoc:
    """Return the run's post-hoc method, fitted on validation logits and on nothing else.

    The figures of validation are optimistic after it; those of test are not.
    """
    linear = trained.model.head.linear
    weight = bias = None
    if linear is not None and trained.model.adapter is None:
        weight = linear.weight.detach().cpu().double().numpy()
        if linear.bias is not None:
            bias = linear.bias.detach().cpu().double().numpy()
    context = PosthocContext(
        training.lesions.class_counts.astype(np.float64),
        np.asarray(trained.stage.facts["fed"], dtype=np.float64),
        weight,
        bias,
    )
    posthoc: Posthoc = bench.build("posthoc")
    posthoc.fit(logits, validation.lesions.labels, context)
    return posthoc
