"""One run: from a specification to a record."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from imbalance_derm.experiment.events import Listener, RunFinished, RunStarted, StageStarted
from imbalance_derm.experiment.files import write_text
from imbalance_derm.experiment.fingerprint import digest
from imbalance_derm.experiment.record import RECORD_FILE, Record, StageEntry
from imbalance_derm.experiment.spec import PARTS, Spec
from imbalance_derm.experiment.stages import StageCache
from imbalance_derm.pipeline.classifier import Trained
from imbalance_derm.pipeline.evidence import gather_evidence
from imbalance_derm.pipeline.examination import AUDIT, examine
from imbalance_derm.pipeline.export import export_run
from imbalance_derm.pipeline.further import further_evidence
from imbalance_derm.pipeline.judgement import Judgement, judge
from imbalance_derm.pipeline.learning import learn, make_synthesizer, make_workbench
from imbalance_derm.pipeline.lesions import Lesions, load_lesions
from imbalance_derm.pipeline.naming import SPEC_FILE
from imbalance_derm.pipeline.pairing import twin_spec
from imbalance_derm.pipeline.synthesis import Synthetic
from imbalance_derm.pipeline.trackers import trackers_as_listener
from imbalance_derm.pipeline.workbench import Workbench, environment_of
from imbalance_derm.registry.manager import Registered, installed
from imbalance_derm.report.html import write_report

REPORT_FILE = "report.html"


def run(
    spec: Spec,
    folder: Path,
    cache: Path,
    command: str,
    listen: Listener,
    warn: Callable[[str], None],
) -> Record:
    """Carry out `spec` and leave the record in `folder`.

    Parameters
    ----------
    spec : Spec
        Fully resolved.
    folder : Path
        The run's own folder; ``record.json`` is written there last.
    cache : Path
        Root of the stage cache.
    command : str
        What the user typed, for the record.
    listen : callable
        Told of every event.
    warn : callable
        Told, in one line, of what did not go well but fails no run.

    Raises
    ------
    InputError, RunError
        In one line.
    """
    start = time.perf_counter()
    track = trackers_as_listener(spec, folder, warn)

    def tell(event: Any) -> None:
        listen(event)
        track(event)

    stages = StageCache(cache, tell)
    spec, synthesizer = make_synthesizer(spec)
    write_text(folder / SPEC_FILE, spec.to_toml())
    if spec.evaluation.paired:
        twin_spec(spec)  # a head that has none is told before hours of training
    bench = make_workbench(spec, stages)
    tell(RunStarted(folder.name, folder, spec.model_dump(mode="json")))
    lesions = load_lesions(bench, synthesizer.needs_masks)
    if lesions.leaky:
        warn(lesions.leaky)
    learned = learn(bench, synthesizer, lesions)
    trained, synthetic = learned.trained, learned.synthetic
    for warning in synthetic.warnings if synthetic else ():
        warn(warning)
    examination = None
    if synthetic is not None and len(synthetic.labels):
        examination = examine(learned.workshop, lesions.train, synthetic)
        write_text(folder / AUDIT, json.dumps(examination.audit.to_dict(), indent=1) + "\n")
    judgement = judge(bench, trained, lesions)
    record = _record(bench, folder.name, command, lesions, trained, synthetic, judgement, start)
    further = further_evidence(bench, lesions, trained, judgement)
    for warning in _made_elsewhere(stages.entries):
        warn(warning)
    record = replace(
        record, robustness=further.robustness, sites=further.sites, paired=further.paired
    )
    tell(StageStarted("report", ""))
    evidence = gather_evidence(bench, record, lesions, learned, examination, judgement)
    export_run(folder, trained, synthetic, judgement, lesions.train.lesions.classes)
    write_report(evidence, folder / REPORT_FILE)
    write_text(folder / RECORD_FILE, record.to_json())
    tell(RunFinished(record, folder))
    return record


def _record(
    bench: Workbench,
    name: str,
    command: str,
    lesions: Lesions,
    trained: Trained,
    synthetic: Synthetic | None,
    judgement: Judgement,
    start: float,
) -> Record:
    spec, classes = bench.spec, lesions.train.lesions.classes
    splits = {"train": lesions.train, "validation": lesions.validation, "test": judgement.test}
    made = np.bincount(synthetic.labels, minlength=len(classes)) if synthetic else None

    def by_class(counts: np.ndarray) -> dict[str, int]:
        return dict(zip(classes, map(int, counts), strict=True))

    real = lesions.train.lesions.class_counts
    components = {}
    for section, kind in PARTS.items():
        entry = installed().get(kind, getattr(spec, section).name)
        components[section] = _component(entry)
    for number, stage in enumerate(spec.stages, start=1):
        components[f"stage {number}"] = _component(installed().get("stage", stage.name))
    components["backbone"]["weights"] = getattr(trained.model.backbone, "weights", "")
    return Record(
        name=name,
        command=command,
        spec=spec.model_dump(mode="json"),
        components=components,
        data={
            "name": spec.data.name,
            "fingerprint": digest([split.key for split in splits.values()]),
            "test_set": judgement.test.content,
            "notice": lesions.notice,
            "leaky": lesions.leaky,
            "classes": list(classes),
            "positive": lesions.positive,
            "skipped": len(lesions.skipped) + len(judgement.test.skipped),
            "counts": {n: by_class(s.lesions.class_counts) for n, s in splits.items()},
            "fed": {
                "real": by_class(real),
                "synthetic": by_class(np.zeros_like(real) if made is None else made),
                "asked": synthetic.asked if synthetic else {},
            },
            "updates": trained.stage.facts["steps"],
        },
        metrics={split: found.figures for split, found in judgement.evaluations.items()},
        confusion={split: found.confusion for split, found in judgement.evaluations.items()},
        decision=asdict(judgement.decision),
        stages=[_without_curves(entry) for entry in bench.cache.entries],
        curves={
            "classifier": trained.stage.facts["curve"],
            "synthesizer": synthetic.curves if synthetic else {},
        },
        environment=environment_of(bench),
        seed=spec.seed,
        seconds=time.perf_counter() - start,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _made_elsewhere(entries: Sequence[StageEntry]) -> Iterator[str]:
    """Say which packages had another version when stages in the cache were computed."""
    found: dict[str, list[str]] = {}
    for entry in entries:
        for package, version in entry.other_versions.items():
            found.setdefault(f"{package} {version}", []).append(entry.stage)
    for package, made in found.items():
        yield (
            f"{', '.join(dict.fromkeys(made))}: in the cache, computed with {package}; another "
            "cache (IMBDERM_CACHE) computes them anew"
        )


def _component(entry: Registered) -> dict[str, str]:
    return {
        "name": entry.component.name,
        "distribution": entry.distribution,
        "version": entry.version,
        "citation": entry.component.citation,
    }


def _without_curves(entry: StageEntry) -> StageEntry:
    """Drop the curves from a stage's facts: the record has a place of its own for them."""
    facts = {name: fact for name, fact in entry.facts.items() if name not in ("curve", "curves")}
    return replace(entry, facts=facts)
