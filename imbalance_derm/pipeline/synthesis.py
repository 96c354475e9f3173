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
from imbalance_derm.experiment.stages import Progress, Stage
from imbalance_derm.pipeline.workbench import Workbench
from imbalance_derm.synth.contract import Chunk, Synthesizer
from imbalance_derm.synth.quota import resolve_quota
from imbalance_derm.synth.samples import read_samples, write_samples
from imbalance_derm.synth.stretch import stretched

SHARED = (
    "imbalance_derm.synth.contract",
    "imbalance_derm.synth.sources",
    "imbalance_derm.synth.pixels",
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
        One row per sample: label, method, sources, seed, model, mode, strength, site.
    key : str
    curves : dict
        Loss curves of the fit, by target class; may be empty.
    asked : dict of str to int
        The quota by class.
    warnings : tuple of str
        What did not go well, a line each.
    """

    samples: np.ndarray
    labels: np.ndarray
    sites: np.ndarray
    manifest: pd.DataFrame
    key: str
    curves: dict[str, Any]
    asked: dict[str, int]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Workshop:
    """A synthesizer with the lesions that it is fitted on.

    Attributes
    ----------
    lesions : LesionSet
        Training only; images or embeddings, as the synthesizer's space says.
    key : str
        Hash of all that determines `lesions`, masks not.
    masks : str
        Hash of their masks, which only sampling reads.
    """

    bench: Workbench
    synthesizer: Synthesizer
    lesions: LesionSet
    key: str
    masks: str = ""

    @property
    def quota(self) -> dict[int, int]:
        """How many to make of each class; empty where the synthesizer has no class to make.

        Raises
        ------
        InputError
            The quota has none of the forms.
        """
        targets = self.synthesizer.targets(self.lesions)
        if not targets:
            return {}
        asked, lesions = self.bench.spec.synth.quota, self.lesions
        return resolve_quota(asked, lesions.class_counts, targets, lesions.classes)


def fit_inputs(bench: Workbench, synthesizer: Synthesizer) -> dict[str, Any]:
    """Return all that determines a fit but for the data."""
    part = bench.identity("synth")
    later = synthesizer.sampling_parameters
    known = {key: value for key, value in part["parameters"].items() if key not in later}
    return {
        "part": {**part, "parameters": known},
        "seed": bench.spec.synth_seed,
        "code": source_digest(*SHARED),
        "arithmetic": bench.generator_arithmetic,
    }


def fit(workshop: Workshop) -> Stage:
    """Fit the synthesizer, or find it fitted."""
    bench, seed = workshop.bench, workshop.bench.spec.synth_seed
    inputs = {**fit_inputs(bench, workshop.synthesizer), "data": workshop.key}

    def compute(folder: Path, progress: Progress) -> dict[str, Any]:
        context = bench.context(seed, folder, progress)
        facts = workshop.synthesizer.fit(workshop.lesions, context)
        workshop.synthesizer.save(folder)
        return facts

    return bench.cache.run("fit", inputs, compute)


def sample(workshop: Workshop, fitted: Stage) -> Synthetic:
    """Sample the quota from the fitted synthesizer, or find the samples."""
    bench, lesions = workshop.bench, workshop.lesions
    seed, quota, stretch = bench.spec.synth_seed, workshop.quota, bench.spec.synth.stretch
    asked = {lesions.classes[label]: count for label, count in quota.items()}

    def compute(folder: Path, progress: Progress) -> dict[str, Any]:
        context = bench.context(seed, folder, progress)
        workshop.synthesizer.load(fitted.folder, lesions, context)
        total = sum(quota.values())

        def chunks() -> Iterator[Chunk]:
            done = 0
            for label, count in quota.items():
                for chunk in workshop.synthesizer.sample(lesions, label, count, seed, context):
                    yield chunk
                    done += len(chunk.samples)
                    progress(done, max(done, total), {})

        write_samples(stretched(chunks()) if stretch else chunks(), folder)
        _, labels, _ = read_samples(folder)
        by_class = np.bincount(labels, minlength=len(lesions.classes)).tolist()
        return {"made": dict(zip(lesions.classes, by_class, strict=True))}

    stored = source_digest("imbalance_derm.synth.samples")
    parameters = bench.spec.synth.parameters
    made_from = {
        "fit": fitted.key,
        "quota": asked,
        "parameters": parameters,
        "masks": workshop.masks,
        "code": stored,
    }
    if stretch:
        made_from["stretch"] = source_digest("imbalance_derm.synth.stretch")
    stage = bench.cache.run("sample", made_from, compute)
    samples, labels, manifest = read_samples(stage.folder)
    number = {name: site for site, name in enumerate(lesions.site_names)}
    sites = manifest["site"].map(lambda name: number.get(name, MISSING_SITE)).to_numpy(np.int64)
    facts = fitted.facts
    warnings = (*facts.get("warnings", ()), *_missed(asked, stage.facts["made"]))
    return Synthetic(
        samples, labels, sites, manifest, stage.key, facts.get("curves", {}), asked, warnings
    )


def synthesize(workshop: Workshop) -> Synthetic | None:
    """Fit and sample; None where the synthesizer has no class to make."""
    if not workshop.synthesizer.targets(workshop.lesions):
        return None
    # A quota that has none of the forms is told before anything is fitted.
    _ = workshop.quota
    return sample(workshop, fit(workshop))


def _missed(asked: dict[str, int], made: dict[str, int]) -> list[str]:
    return [
        f"class '{name}': {made[name]:,} samples were made where {count:,} were asked for; this "
        "method cannot hit a number exactly"
        for name, count in asked.items()
        if made[name] != count
    ]
