"""The audit of a synthesizer on its own: evidence, benefit, a page and a file of figures."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from imbalance_derm.audit.audit import Audit
from imbalance_derm.errors import InputError
from imbalance_derm.experiment.files import write_text
from imbalance_derm.pipeline.benefit import measure_benefit
from imbalance_derm.pipeline.examination import AUDIT, closest_pairs, examine
from imbalance_derm.pipeline.gallery import gallery
from imbalance_derm.pipeline.synthesis import fit, sample
from imbalance_derm.pipeline.synthetic_data import Preparation
from imbalance_derm.pipeline.workbench import environment_of
from imbalance_derm.report.audit import AuditPage, render
from imbalance_derm.report.page import write_page
from imbalance_derm.report.synthetic import SyntheticEvidence
from imbalance_derm.report.wording import duration

PAGE = "audit.html"


@dataclass(frozen=True, eq=False)
class AuditOutcome:
    """What an audit leaves.

    Attributes
    ----------
    facts : dict
        What is written to ``audit.json``.
    audit : Audit
    warnings : tuple of str
    page : Path
    """

    facts: dict[str, Any]
    audit: Audit
    warnings: tuple[str, ...]
    page: Path


def audit(preparation: Preparation, folder: Path, seeds: int, command: str) -> AuditOutcome:
    """Fit, sample, examine; train classifiers where `seeds` are asked for; write the findings.

    Parameters
    ----------
    folder : Path
        ``audit.json`` and ``audit.html`` are put there.
    seeds : int
        Training seeds of the benefit; 0 leaves it out, and the test set sealed.
    command : str
        What the user typed, for the page.

    Raises
    ------
    InputError
        `folder` is a file, or the synthesizer made nothing.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is no folder; give --out DIR")
    workshop, training = preparation.workshop, preparation.lesions.train
    bench, spec = workshop.bench, preparation.spec
    fitted = fit(workshop)
    synthetic = sample(workshop, fitted)
    if not len(synthetic.labels):
        raise InputError(f"synthesizer '{spec.synth.name}' made nothing; see synth.quota")
    examination = examine(workshop, training, synthetic)
    benefit = measure_benefit(spec, bench.cache, seeds) if seeds else None
    made = np.bincount(synthetic.labels, minlength=len(preparation.classes))
    learned = {k: v for k, v in fitted.facts.items() if k not in ("curves", "warnings")}
    facts: dict[str, Any] = {
        "command": command,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "spec": spec.model_dump(mode="json"),
        "data": {
            "name": spec.data.name,
            "notice": preparation.lesions.notice,
            "classes": list(preparation.classes),
            "training": training.lesions.class_counts.tolist(),
        },
        "asked": synthetic.asked,
        "made": dict(zip(preparation.classes, made.tolist(), strict=True)),
        "fit": {"seconds": round(fitted.entry.seconds, 2), **learned},
        "warnings": list(synthetic.warnings),
        "extractor_weights": examination.weights,
        "audit": examination.audit.to_dict(),
        "benefit": benefit,
        "environment": environment_of(bench),
    }
    pairs = closest_pairs(examination, training)
    evidence = SyntheticEvidence(examination.audit, pairs, benefit)
    rng = np.random.default_rng(spec.synth_seed)
    pictures = gallery(training.lesions, synthetic, rng) if synthetic.samples.ndim == 4 else ()
    page = AuditPage(
        f"{spec.synth.name} on {spec.data.name}",
        f"{spec.data.image_size} px · seed {spec.synth_seed} · fitted in "
        f"{duration(fitted.entry.seconds)} · weights of the extractor: {examination.weights} · "
        f"{facts['created']}",
        command,
        preparation.lesions.notice,
        synthetic.warnings,
        evidence,
        pictures,
        synthetic.curves,
        facts["spec"],
    )
    write_page(folder / PAGE, render(page))
    write_text(folder / AUDIT, json.dumps(facts, indent=1) + "\n")
    return AuditOutcome(facts, examination.audit, synthetic.warnings, folder / PAGE)
