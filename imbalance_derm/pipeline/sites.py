"""What the body sites tell: by-site figures, the site task, and what the site says of the class."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from imbalance_derm.data.lesions import MISSING_SITE, LesionSet
from imbalance_derm.evaluation.by_site import SiteEvaluation, evaluate_by_site
from imbalance_derm.evaluation.information import site_information
from imbalance_derm.experiment.record import Figure
from imbalance_derm.pipeline.classifier import Trained
from imbalance_derm.pipeline.judgement import Judgement
from imbalance_derm.pipeline.lesions import Lesions
from imbalance_derm.pipeline.workbench import Workbench
from imbalance_derm.training.inference import predict_task

SITE = "site"


def site_evidence(
    bench: Workbench, lesions: Lesions, trained: Trained, judgement: Judgement
) -> dict[str, Any]:
    """Return what a record says of body sites; empty where the training data know fewer than two.

    Returns
    -------
    dict
        ``names``; ``information`` between class and site in the training data; ``by_site``,
        the lesion figures on test, empty where the test set has no sites; ``learned``, what
        the head says of itself; ``confusion`` of the site task and the split it is of,
        ``confusion_split``: test, or validation where the test set has no sites.
    """
    training, test = lesions.train.lesions, judgement.test.lesions
    names, seed = training.site_names, bench.spec.seed
    if len(names) < 2:
        return {}
    resamples = bench.spec.evaluation.resamples
    information = site_information(
        training.labels, training.sites, training.lesion_ids, resamples, seed
    )
    known = bool((test.sites != MISSING_SITE).any())
    said = judgement.predictions["test"]
    by_site = (
        evaluate_by_site(said, test.sites, names, judgement.decision, resamples, seed)
        if known
        else []
    )
    judged, split = (test, "test") if known else (lesions.validation.lesions, "validation")
    confusion = _site_confusion(bench, trained, judged)
    return {
        "names": list(names),
        "information": asdict(information) | {"share": information.share.value},
        "by_site": [_row(found, said.classes) for found in by_site],
        "learned": trained.model.head.facts(),
        "confusion": confusion,
        "confusion_split": split if confusion else "",
    }


def _row(found: SiteEvaluation, classes: tuple[str, ...]) -> dict[str, Any]:
    figures = {"balanced_accuracy": found.balanced_accuracy, "auc": found.auc}
    missing = Figure(float("nan"))
    figures |= {f"sensitivity/{name}": found.sensitivity.get(name, missing) for name in classes}
    return {
        "site": found.site,
        "images": found.images,
        "lesions": found.lesions,
        "figures": {name: asdict(figure) for name, figure in figures.items()},
    }


def _site_confusion(bench: Workbench, trained: Trained, lesions: LesionSet) -> list[list[int]]:
    """Rows are the true site, columns what the head says; empty where it has no site task."""
    rows = np.flatnonzero(lesions.sites != MISSING_SITE)
    if not len(rows):
        return []
    logits = predict_task(trained.model, lesions.samples, rows, SITE, bench.accelerator)
    if logits is None:
        return []
    count = len(lesions.site_names)
    cells = lesions.sites[rows] * count + logits.argmax(axis=1)
    table: list[list[int]] = np.bincount(cells, minlength=count**2).reshape(count, count).tolist()
    return table
