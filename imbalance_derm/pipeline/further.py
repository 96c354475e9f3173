"""What a record says beside the headline: robustness, body sites, the difference from a twin."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from imbalance_derm.evaluation.robustness import robustness
from imbalance_derm.pipeline.classifier import Trained
from imbalance_derm.pipeline.judgement import Judgement
from imbalance_derm.pipeline.lesions import Lesions
from imbalance_derm.pipeline.pairing import pair
from imbalance_derm.pipeline.robustness import corrupted_predictions
from imbalance_derm.pipeline.sites import site_evidence
from imbalance_derm.pipeline.workbench import Workbench
from imbalance_derm.report.summary import headline_metrics


@dataclass(frozen=True)
class Further:
    """Sections of a record, each empty where it was not asked for or nothing is known."""

    robustness: dict[str, Any]
    sites: dict[str, Any]
    paired: dict[str, Any]


def further_evidence(
    bench: Workbench, lesions: Lesions, trained: Trained, judgement: Judgement
) -> Further:
    """Judge corrupted images and train the twin, as far as the run asks for it."""
    evaluation, test = bench.spec.evaluation, judgement.predictions["test"]
    corrupted, found, paired = None, dict[str, Any](), dict[str, Any]()
    if evaluation.corruptions:
        corrupted = corrupted_predictions(bench, trained, lesions, judgement)
        metrics = headline_metrics(len(test.classes) == 2)
        measured = robustness(
            test, corrupted, judgement.decision, metrics, evaluation.resamples, bench.spec.seed
        )
        found = {metric: asdict(each) for metric, each in measured.items()}
    if evaluation.paired:
        paired = pair(bench, lesions, judgement, corrupted)
    sites = site_evidence(bench, lesions, trained, judgement)
    return Further(found, sites, paired)
