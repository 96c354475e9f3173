"""What the report shows beside figures: a gallery, the worst errors and a map of embeddings."""

from __future__ import annotations

import numpy as np

from imbalance_derm.data.lesions import LesionSet
from imbalance_derm.evaluation.decision import decide
from imbalance_derm.evaluation.embedding_map import embedding_map
from imbalance_derm.evaluation.explanation import grad_cam, worst_errors
from imbalance_derm.experiment.record import Record
from imbalance_derm.pipeline.classifier import Trained
from imbalance_derm.pipeline.judgement import Judgement
from imbalance_derm.pipeline.lesions import Lesions
from imbalance_derm.pipeline.synthesis import Synthetic
from imbalance_derm.pipeline.workbench import Workbench
from imbalance_derm.report.evidence import EmbeddingMap, ErrorCase, Evidence, GalleryRow
from imbalance_derm.synth.samples import SEPARATOR
from imbalance_derm.training.inference import embed

GALLERY = 8
"""Pictures of each sort and class."""
ERRORS = 8
POINTS = 150
"""Points of the map for each class, real and synthetic apart."""


def gather_evidence(
    bench: Workbench,
    record: Record,
    lesions: Lesions,
    trained: Trained,
    synthetic: Synthetic | None,
    judgement: Judgement,
) -> Evidence:
    """Collect the pictures of one finished run; all choices are functions of the seed."""
    rng = np.random.default_rng(bench.spec.seed)
    training = lesions.train.lesions
    return Evidence(
        record=record,
        test=judgement.predictions["test"],
        validation=judgement.predictions["validation"],
        gallery=tuple(
            _gallery_row(training, synthetic, label, rng) for label in range(len(training.classes))
        ),
        errors=_errors(trained, judgement),
        points=_points(bench, training, trained, synthetic, rng),
    )


def _some(rows: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    return np.sort(rng.permutation(rows)[:most])


def _gallery_row(
    training: LesionSet, synthetic: Synthetic | None, label: int, rng: np.random.Generator
) -> GalleryRow:
    real = _some(np.flatnonzero(training.labels == label), GALLERY, rng)
    pairs: list[tuple[np.ndarray | None, np.ndarray]] = []
    if synthetic is not None and synthetic.samples.ndim == 4:
        place = {image: row for row, image in enumerate(training.image_ids)}
        for row in _some(np.flatnonzero(synthetic.labels == label), GALLERY, rng):
            sources = str(synthetic.manifest["sources"].iloc[row]).split(SEPARATOR)
            known = [place[source] for source in sources if source in place]
            source = np.array(training.samples[known[0]]) if len(known) == 1 else None
            pairs.append((source, np.array(synthetic.samples[row])))
    images = tuple(np.array(training.samples[row]) for row in real)
    return GalleryRow(training.classes[label], images, tuple(pairs))


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
        parts = [_some(np.flatnonzero(labels == c), POINTS, rng) for c in np.unique(labels)]
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
