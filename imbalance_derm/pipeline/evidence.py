"""What the report shows beside figures: a gallery, the worst errors and a map of embeddings."""

from __future__ import annotations

import numpy as np

from imbalance_derm.data.lesions import LesionSet
from imbalance_derm.evaluation.decision import decide
from imbalance_derm.evaluation.embedding_map import embedding_map
from imbalance_derm.evaluation.explanation import grad_cam, worst_errors
from imbalance_derm.experiment.record import Record
from imbalance_derm.pipeline.classifier import Trained
from imbalance_derm.pipeline.examination import Examination, closest_pairs
from imbalance_derm.pipeline.gallery import gallery, some
from imbalance_derm.pipeline.judgement import Judgement
from imbalance_derm.pipeline.learning import Learned
from imbalance_derm.pipeline.lesions import Lesions
from imbalance_derm.pipeline.synthesis import Synthetic
from imbalance_derm.pipeline.workbench import Workbench
from imbalance_derm.report.evidence import EmbeddingMap, ErrorCase, Evidence
from imbalance_derm.report.synthetic import SyntheticEvidence
from imbalance_derm.training.inference import embed

ERRORS = 8
POINTS = 150
"""Points of the map for each class, real and synthetic apart."""


def gather_evidence(
    bench: Workbench,
    record: Record,
    lesions: Lesions,
    learned: Learned,
    examination: Examination | None,
    judgement: Judgement,
) -> Evidence:
    """Collect the pictures of one finished run; all choices are functions of the seed."""
    rng = np.random.default_rng(bench.spec.seed)
    training, trained, synthetic = lesions.train.lesions, learned.trained, learned.synthetic
    shown = None
    if examination is not None:
        shown = SyntheticEvidence(examination.audit, closest_pairs(examination, lesions.train))
    return Evidence(
        record=record,
        test=judgement.predictions["test"],
        validation=judgement.predictions["validation"],
        gallery=gallery(training, synthetic, rng),
        errors=_errors(trained, judgement),
        points=_points(bench, training, trained, synthetic, rng),
        synthetic=shown,
        caveats=synthetic.warnings if synthetic else (),
    )


def _errors(trained: Trained, judgement: Judgement) -> tuple[ErrorCase, ...]:
    said, lesions = judgement.predictions["test"], judgement.test.lesions
    rows = worst_errors(said, judgement.decision, ERRORS)
    if not len(rows):
        return ()
    decided = decide(said, judgement.decision)[rows]
    images = np.array(lesions.samples[rows])
    heat = grad_cam(trained.model, images, decided)
    return tuple(
        ErrorCase(
            images[i],
            None if heat is None else heat[i],
            said.classes[said.labels[row]],
            said.classes[decided[i]],
            float(said.probabilities[row, said.labels[row]]),
            str(said.image_ids[row]),
        )
        for i, row in enumerate(rows)
    )


def _points(
    bench: Workbench,
    training: LesionSet,
    trained: Trained,
    synthetic: Synthetic | None,
    rng: np.random.Generator,
) -> EmbeddingMap | None:
    backbone = trained.model.backbone
    assert backbone is not None

    def chosen(labels: np.ndarray) -> np.ndarray:
        parts = [some(np.flatnonzero(labels == c), POINTS, rng) for c in np.unique(labels)]
        return np.concatenate(parts)

    real = chosen(training.labels)
    features = [embed(backbone, np.array(training.samples[real]), bench.accelerator)]
    labels, made = [training.labels[real]], [np.zeros(len(real), bool)]
    if synthetic is not None and len(synthetic.labels):
        rows = chosen(synthetic.labels)
        samples = np.array(synthetic.samples[rows])
        images = samples.ndim == 4
        features.append(embed(backbone, samples, bench.accelerator) if images else samples)
        labels.append(synthetic.labels[rows])
        made.append(np.ones(len(rows), bool))
    xy = embedding_map(np.concatenate(features), bench.spec.seed)
    if xy is None:
        return None
    return EmbeddingMap(xy, np.concatenate(labels), np.concatenate(made), training.classes)
