"""Stages: fit the synthesizer on training lesions, and sample from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from imbalance_derm.data.lesions import MISSING_SITE, LesionSet
from imbalance_derm.experiment.fingerprint import source_digest
from imbalance_derm.experiment.stages import Progress
from imbalance_derm.pipeline.workbench import Workbench
from imbalance_derm.synth.contract import Chunk, Synthesizer
from imbalance_derm.synth.quota import resolve_quota
from imbalance_derm.synth.samples import read_samples, write_samples

SHARED = (
    "imbalance_derm.synth.contract",
    "imbalance_derm.synth.sources",
    "imbalance_derm.synth.augment",
    "imbalance_derm.training",
)
"""Code that several synthesizers build on; part of the key of what they learn."""


@dataclass(frozen=True, eq=False)
class Synthetic:
    """Stored synthetic samples.

    Attributes
    ----------
    samples : ndarray
        A read-only memory map; images or embeddings as the synthesizer's space says.
    labels, sites : ndarray of int64
        Sites are -1 where missing, as they are unless a synthesizer says otherwise.
    manifest : DataFrame
        One row per sample: label, method, sources, seed, model.
    key : str
    curves : dict
        Loss curves of the fit, by target class; may be empty.
    asked : dict of str to int
        The quota by class.
    """

    samples: np.ndarray
    labels: np.ndarray
    sites: np.ndarray
    manifest: pd.DataFrame
    key: str
    curves: dict[str, Any]
    asked: dict[str, int]


def synthesize(
    bench: Workbench, synthesizer: Synthesizer, lesions: LesionSet, key: str
) -> Synthetic | None:
    """Fit on `lesions` (training only) and sample the quota; both stages are cached.

    Parameters
    ----------
    lesions : LesionSet
        Images or embeddings, as the synthesizer's space says.
    key : str
        Hash of all that determines `lesions`.

    Returns
    -------
    Synthetic or None
        None where the synthesizer has no class to make.
    """
    seed = bench.spec.seed
    targets = synthesizer.targets(lesions)
    if not targets:
        return None
    quota = resolve_quota(bench.spec.synth.quota, lesions.class_counts, targets, lesions.classes)
    inputs = {
        "part": bench.identity("synth"),
        "data": key,
        "seed": seed,
        "code": source_digest(*SHARED),
        "arithmetic": bench.generator_arithmetic,
    }

    def fit(folder: Path, progress: Progress) -> dict[str, Any]:
        facts = synthesizer.fit(lesions, bench.context(seed, folder, progress))
        synthesizer.save(folder)
        return facts

    def sample(folder: Path, progress: Progress) -> dict[str, Any]:
        context = bench.context(seed, folder, progress)
        synthesizer.load(fitted.folder, lesions, context)
        total = sum(quota.values())

        def chunks() -> Iterator[Chunk]:
            done = 0
            for label, count in quota.items():
                for chunk in synthesizer.sample(lesions, label, count, seed, context):
                    yield chunk
                    done += len(chunk.samples)
                    progress(done, total, {})

        write_samples(chunks(), folder)
        _, labels, _ = read_samples(folder)
        by_class = np.bincount(labels, minlength=len(lesions.classes)).tolist()
        return {"made": dict(zip(lesions.classes, by_class, strict=True))}

    fitted = bench.cache.run("fit", inputs, fit)
    asked = {lesions.classes[label]: count for label, count in quota.items()}
    stored = source_digest("imbalance_derm.synth.samples")
    made_from = {"fit": fitted.key, "quota": asked, "code": stored}
    sampled = bench.cache.run("sample", made_from, sample)
    samples, labels, manifest = read_samples(sampled.folder)
    number = {name: site for site, name in enumerate(lesions.site_names)}
    sites = manifest["site"].map(lambda name: number.get(name, MISSING_SITE)).to_numpy(np.int64)
    curves = fitted.facts.get("curves", {})
    return Synthetic(samples, labels, sites, manifest, sampled.key, curves, asked)
