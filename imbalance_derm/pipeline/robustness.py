"""Stage: what the trained model says of the test images when they are corrupted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from imbalance_derm.evaluation.corruptions.table import CORRUPTIONS, SEVERITIES
from imbalance_derm.evaluation.predictions import Predictions
from imbalance_derm.experiment.fingerprint import source_digest
from imbalance_derm.experiment.stages import Progress
from imbalance_derm.pipeline.classifier import Trained, as_predictions, for_inference, logits_of
from imbalance_derm.pipeline.judgement import Judgement
from imbalance_derm.pipeline.lesions import Lesions
from imbalance_derm.pipeline.posthoc import fitted_on_validation
from imbalance_derm.pipeline.workbench import Workbench
from imbalance_derm.training.inference import predict_logits

LOGITS = "logits.npy"
CHUNK = 256
"""Images that are corrupted and judged at a time."""


def corrupted_predictions(
    bench: Workbench, trained: Trained, lesions: Lesions, judgement: Judgement
) -> dict[str, list[Predictions]]:
    """Return predictions of the corrupted test images, by corruption one for each severity.

    The draws of a corruption are functions of the image's place in the test set and of
    nothing else, so that every model meets the same corrupted images.
    """
    test = judgement.test
    conditions = [(name, severity) for name in CORRUPTIONS for severity in SEVERITIES]
    inputs = {
        "model": trained.stage.key,
        "posthoc": bench.identity("posthoc"),
        "data": [lesions.validation.key, test.key],
        "code": source_digest("imbalance_derm.evaluation.corruptions", "imbalance_derm.posthoc"),
    }

    validation = for_inference(bench, trained.model, lesions.validation)

    def compute(folder: Path, progress: Progress) -> dict[str, Any]:
        known = logits_of(bench, *validation)
        posthoc = fitted_on_validation(bench, trained, lesions, known)
        logits = []
        for done, (name, severity) in enumerate(conditions):
            parts = []
            for start in range(0, len(test.lesions), CHUNK):
                images = np.asarray(test.lesions.samples[start : start + CHUNK])
                changed = CORRUPTIONS[name](images, severity, start)
                parts.append(predict_logits(trained.model, changed, bench.accelerator))
            logits.append(posthoc.apply(np.concatenate(parts)))
            progress(done + 1, len(conditions), {})
        np.save(folder / LOGITS, np.stack(logits))
        return {"corruptions": list(CORRUPTIONS), "severities": len(SEVERITIES)}

    stage = bench.cache.run("corrupt", inputs, compute)
    found: dict[str, list[Predictions]] = {name: [] for name in CORRUPTIONS}
    for (name, _), logits in zip(conditions, np.load(stage.folder / LOGITS), strict=True):
        found[name].append(as_predictions(logits, test))
    return found
