"""Synthetic data without a classifier: fit, sample and export, look at."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from imbalance_derm.errors import InputError
from imbalance_derm.experiment.events import Listener, StageStarted
from imbalance_derm.experiment.files import replacing
from imbalance_derm.experiment.spec import Spec
from imbalance_derm.experiment.stages import Stage, StageCache
from imbalance_derm.pipeline.export import MANIFEST, export_synthetic
from imbalance_derm.pipeline.gallery import SHOWN, gallery
from imbalance_derm.pipeline.learning import make_synthesizer, make_workbench, workshop_of
from imbalance_derm.pipeline.lesions import Lesions, load_lesions
from imbalance_derm.pipeline.synthesis import Synthetic, Workshop, fit, sample
from imbalance_derm.report.contact_sheet import contact_sheet


@dataclass(frozen=True, eq=False)
class Preparation:
    """A synthesizer and the training lesions that it will be fitted on."""

    lesions: Lesions
    workshop: Workshop

    @property
    def spec(self) -> Spec:
        """The specification, fully resolved."""
        return self.workshop.bench.spec

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""
        return self.lesions.train.lesions.classes


def prepare(spec: Spec, cache: Path, listen: Listener) -> Preparation:
    """Read the data and build the synthesizer of `spec`.

    Raises
    ------
    InputError
        The specification names no synthesizer that makes anything.
    """
    spec, synthesizer = make_synthesizer(spec)
    bench = make_workbench(spec, StageCache(cache, listen))
    lesions = load_lesions(bench, synthesizer.needs_masks)
    workshop = workshop_of(bench, synthesizer, lesions)
    if not workshop.quota:
        raise InputError(
            f"synthesizer '{spec.synth.name}' makes nothing of these data with quota "
            f"{spec.synth.quota!r}; give --synth NAME or --set synth.quota=...; names: "
            "imbderm plugins list"
        )
    return Preparation(lesions, workshop)


def fit_only(preparation: Preparation) -> Stage:
    """Fit the synthesizer; a later run with the same settings finds it fitted."""
    return fit(preparation.workshop)


def make(preparation: Preparation) -> Synthetic:
    """Fit and sample the quota."""
    return sample(preparation.workshop, fit(preparation.workshop))


def export(preparation: Preparation, folder: Path) -> Synthetic:
    """Fit, sample the quota and write it to `folder`: images in class folders, and a manifest.

    Raises
    ------
    InputError
        `folder` holds something else.
    """
    if folder.exists() and not (folder / MANIFEST).is_file():
        raise InputError(f"{folder} exists and is no export of ours; choose another --out")
    synthetic = make(preparation)
    preparation.workshop.bench.cache.listener(StageStarted("export", ""))
    export_synthetic(folder, synthetic, preparation.classes)
    return synthetic


def preview(preparation: Preparation, file: Path) -> Synthetic:
    """Fit, sample a few of each class and draw them beside real images into a PNG file.

    Raises
    ------
    InputError
        The synthesizer makes embeddings, which cannot be looked at.
    """
    workshop = preparation.workshop
    if workshop.synthesizer.space == "embedding":
        raise InputError(
            f"synthesizer '{preparation.spec.synth.name}' makes embeddings, which have no "
            "picture; see imbderm synth audit"
        )
    few = {preparation.classes[label]: SHOWN for label in workshop.quota}
    section = preparation.spec.synth.model_copy(update={"quota": few})
    bench = replace(workshop.bench, spec=preparation.spec.model_copy(update={"synth": section}))
    synthetic = make(replace(preparation, workshop=replace(workshop, bench=bench)))
    rng = np.random.default_rng(preparation.spec.seed)
    sheet = contact_sheet(gallery(preparation.lesions.train.lesions, synthetic, rng))
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as temporary:
        temporary.write_bytes(sheet)
    return synthetic
