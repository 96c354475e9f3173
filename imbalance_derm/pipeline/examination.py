"""Stage: what can be said of synthetic samples from the training images alone."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from imbalance_derm.audit.audit import Audit, audit
from imbalance_derm.audit.inputs import Made, Real
from imbalance_derm.experiment.fingerprint import digest, source_digest
from imbalance_derm.experiment.stages import Progress
from imbalance_derm.models.contract import Backbone
from imbalance_derm.pipeline.embedding import embed_split, embed_synthetic
from imbalance_derm.pipeline.lesions import Split
from imbalance_derm.pipeline.synthesis import Synthetic, Workshop
from imbalance_derm.pipeline.workbench import identity
from imbalance_derm.registry.parameters import create, parameter_model, resolve_name, validate
from imbalance_derm.report.synthetic import PairPicture
from imbalance_derm.synth.samples import SEPARATOR

AUDIT = "audit.json"


@dataclass(frozen=True, eq=False)
class Examination:
    """The audit of some synthetic samples.

    Attributes
    ----------
    audit : Audit
    looked_at : Synthetic
        The samples behind it, in its order.
    weights : str
        Where the extractor's weights come from.
    """

    audit: Audit
    looked_at: Synthetic
    weights: str


def examine(workshop: Workshop, training: Split, synthetic: Synthetic) -> Examination:
    """Audit `synthetic` against the training images, or find the audit.

    Parameters
    ----------
    workshop : Workshop
        What made them; embeddings are compared with the embeddings that it was fitted on.
    training : Split
        Training images.
    synthetic : Synthetic
        At most ``audit.images`` samples of each class are looked at, drawn by the seed.
    """
    bench, seed = workshop.bench, workshop.bench.spec.synth_seed
    looked_at = _drawn(synthetic, bench.spec.audit.images, seed)
    embedded = workshop.synthesizer.space == "embedding"
    settings, size = bench.spec.audit, bench.spec.data.image_size
    if embedded:
        extractor: Backbone = bench.build("backbone")
        real, made, said = workshop.lesions.samples, looked_at.samples, bench.spec.backbone.name
        keys = [workshop.key, looked_at.key]
    else:
        entry, shorthand = resolve_name("backbone", settings.extractor)
        values = validate("audit", parameter_model(entry.load()), shorthand)
        torch.manual_seed(bench.spec.seed)
        extractor = create("backbone", entry.component.name, values)
        extractor.to(bench.accelerator.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        known = identity("backbone", entry.component.name, values)
        split = embed_split(bench, extractor, training, known)
        features = embed_synthetic(bench, extractor, looked_at, known)
        real, made, said = split.lesions.samples, features.samples, settings.extractor
        keys = [split.key, features.key]
    inputs = {
        "features": keys,
        "samples": looked_at.key,
        "training": training.key,
        "seed": seed,
        "code": source_digest("imbalance_derm.audit", "imbalance_derm.evaluation.intervals"),
    }

    def compute(folder: Path, progress: Progress) -> dict[str, Any]:
        lesions = training.lesions
        sources = [
            tuple(text.split(SEPARATOR)) if text else () for text in looked_at.manifest["sources"]
        ]
        found = audit(
            Real(
                np.asarray(real),
                None if embedded else lesions.samples,
                lesions.labels,
                lesions.image_ids,
                lesions.lesion_ids,
            ),
            Made(
                np.asarray(made),
                None if embedded else looked_at.samples,
                looked_at.labels,
                sources,
            ),
            lesions.classes,
            f"{said} at {size} px",
            seed,
            progress,
            np.bincount(synthetic.labels, minlength=len(lesions.classes)),
        )
        (folder / AUDIT).write_text(json.dumps(found.to_dict()), encoding="utf-8")
        return {"samples": len(looked_at.labels), "weights": extractor.weights}

    stage = bench.cache.run("audit", inputs, compute)
    found = Audit.from_dict(json.loads((stage.folder / AUDIT).read_text(encoding="utf-8")))
    return Examination(found, looked_at, stage.facts["weights"])


def closest_pairs(examination: Examination, training: Split) -> tuple[PairPicture, ...]:
    """Return the pictures of the closest pairs; none of embeddings."""
    samples, lesions = examination.looked_at.samples, training.lesions
    if samples.ndim != 4:
        return ()
    return tuple(
        PairPicture(
            np.array(samples[pair.sample]),
            np.array(lesions.samples[pair.real]),
            part.name,
            pair.distance,
            pair.ssim,
            pair.flagged,
        )
        for part in examination.audit.by_class
        for pair in part.memorisation.closest
    )


def _drawn(synthetic: Synthetic, most: int, seed: int) -> Synthetic:
    rng = np.random.default_rng((seed, 7))
    chosen = [
        rng.permutation(np.flatnonzero(synthetic.labels == label))[:most]
        for label in np.unique(synthetic.labels)
    ]
    rows = np.sort(np.concatenate(chosen))
    return replace(
        synthetic,
        samples=synthetic.samples[rows],
        labels=synthetic.labels[rows],
        sites=synthetic.sites[rows],
        manifest=synthetic.manifest.iloc[rows].reset_index(drop=True),
        key=digest([synthetic.key, rows.tolist()]),
    )
