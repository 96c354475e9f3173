"""Fit what is done to the logits, on validation."""

from __future__ import annotations

import numpy as np

from imbalance_derm.evaluation.predictions import require_finite
from imbalance_derm.pipeline.classifier import Trained, as_predictions
from imbalance_derm.pipeline.lesions import Lesions
from imbalance_derm.pipeline.workbench import Workbench
from imbalance_derm.posthoc.contract import Posthoc, PosthocContext


def fitted_on_validation(
    bench: Workbench, trained: Trained, lesions: Lesions, logits: np.ndarray
) -> Posthoc:
    """Return the run's post-hoc method, fitted on validation `logits` and on nothing else.

    The figures of validation are optimistic after it; those of test are not.
    """
    linear = trained.model.head.linear
    weight = bias = None
    if linear is not None and trained.model.adapter is None:
        weight = linear.weight.detach().cpu().double().numpy()
        if linear.bias is not None:
            bias = linear.bias.detach().cpu().double().numpy()
    context = PosthocContext(
        lesions.train.lesions.class_counts.astype(np.float64),
        np.asarray(trained.stage.facts["fed"], dtype=np.float64),
        weight,
        bias,
    )
    posthoc: Posthoc = bench.build("posthoc")
    require_finite(as_predictions(logits, lesions.validation))
    posthoc.fit(logits, lesions.validation.lesions.labels, context)
    return posthoc
