"""Makes measured rows of run records: runs that differ in their seed only are one method."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from imbalance_derm.benchmark.rows import PARTS, THEN, UNSPOKEN, Row, Run, kind_of
from imbalance_derm.benchmark.suite_file import NO_SUITE, SuiteFacts
from imbalance_derm.experiment.record import Figure, Record
from imbalance_derm.experiment.spec import Spec
from imbalance_derm.report.summary import is_binary

_NO_METHOD = frozenset(
    {
        "seed", "preset", "data.root", "train.device", "train.threads",
        "train.checkpoint_seconds", "evaluation.resamples", "evaluation.paired",
        "evaluation.corruptions",
    }
)  # fmt: skip
"""Settings that say where a run was made or what was looked at after it, and not how."""
_NO_METHOD_SECTIONS = ("audit", "trackers")
_KEY = 10


def method_settings(spec: dict[str, Any]) -> dict[str, Any]:
    """Return what makes a method of a specification, by dotted name.

    Examples
    --------
    >>> method_settings({"seed": 3, "loss": {"name": "ce"}, "audit": {"images": 10}})
    {'loss.name': 'ce'}
    """
    flat: dict[str, Any] = {}
    for section, value in spec.items():
        if section in _NO_METHOD_SECTIONS:
            continue
        if isinstance(value, dict):
            flat |= {f"{section}.{key}": own for key, own in value.items()}
        else:
            flat[section] = value
    return {key: value for key, value in flat.items() if key not in _NO_METHOD}


def measured_rows(
    found: Sequence[tuple[Path, Record]], suites: SuiteFacts = NO_SUITE
) -> tuple[list[Row], list[tuple[str, str]]]:
    """Return a row for each method, and the names of the runs that repeat one.

    Parameters
    ----------
    found : sequence of (Path, Record)
        Run folders and their records.
    suites : SuiteFacts

    Returns
    -------
    rows : list of Row
        In the order in which their first runs were found.
    repeats : list of (str, str)
        Data set and name of each run of a method and seed that there is a newer run of: it is
        not in a row.
    """
    cells: dict[tuple[str, str, str, str], dict[int, tuple[Path, Record]]] = {}
    repeats = []
    for folder, record in found:
        data = str(record.data["name"]), _tested_on(record), _splits(record)
        key = method_key(record.spec), *data
        runs = cells.setdefault(key, {})
        known = runs.get(record.seed)
        if known is not None:
            newer = record.created > known[1].created
            older = (known if newer else (folder, record))[0].name
            repeats.append((str(record.data["name"]), older))
            if not newer:
                continue
        runs[record.seed] = folder, record
    rows = [
        _row(key, [runs[seed] for seed in sorted(runs)], suites)
        for (key, *_), runs in cells.items()
    ]
    return rows, repeats


def method_key(spec: dict[str, Any], besides: str = "") -> str:
    """Return what is equal for runs that differ in their seed only.

    Settings whose names start with `besides`, such as ``"data."``, may differ too.
    """
    settings = method_settings(spec)
    if besides:
        settings = {key: own for key, own in settings.items() if not key.startswith(besides)}
    text = json.dumps(settings, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:_KEY]


def _tested_on(record: Record) -> str:
    return str(record.data.get("test_set") or _splits(record))


def _splits(record: Record) -> str:
    return str(record.data.get("fingerprint", ""))


def _row(key: str, found: list[tuple[Path, Record]], suites: SuiteFacts) -> Row:
    folder, record = found[0]
    runs = tuple(_run(*each) for each in found)
    parts = parts_of_record(record)
    recipe = str(record.spec.get("recipe") or "")
    splits = _splits(record)
    of = {suites.suite_of(own) for own, _ in found}
    return Row(
        data=str(record.data["name"]),
        fingerprint=_tested_on(record),
        method=record.name,
        parts=parts,
        status="measured here",
        metrics=runs[0].metrics if len(runs) == 1 else means([run.metrics for run in runs]),
        binary=is_binary(record.data),
        key=f"{key}-{splits[:8]}" if splits else key,
        splits=splits,
        suite=of.pop() if len(of) == 1 else "",
        runs=runs,
        axes=suites.values.get(folder.as_posix(), {}),
        test_counts=_counts(record, "test"),
        validation_counts=_counts(record, "validation"),
        training_counts=_counts(record, "train"),
        synthetic=any(_made(each) for _, each in found),
        notice=str(record.data.get("notice", "")),
        leaky=next((str(each.data["leaky"]) for _, each in found if each.data.get("leaky")), ""),
        spec=record.spec,
        decision=decision_text(record.decision),
        components={
            (kind_of(section), str(part["name"])): str(part.get("citation") or "")
            for section, part in record.components.items()
            if "name" in part
        }
        | ({("recipe", recipe): ""} if recipe else {}),
        classes=[str(name) for name in record.data.get("classes", [])],
        confusion=_sum([run.confusion for run in runs]),
    )


def _counts(record: Record, split: str) -> dict[str, int]:
    counts = record.data.get("counts", {}).get(split, {})
    return {str(name): int(count) for name, count in counts.items()}


def _made(record: Record) -> int:
    return sum(record.data.get("fed", {}).get("synthetic", {}).values())


def parts_of_record(record: Record) -> dict[str, str]:
    """Return the component of each section that names a method."""
    parts = {
        section: str(record.components[section]["name"])
        for section in PARTS
        if "name" in record.components.get(section, {})
    }
    return complete_parts(parts, record.spec)


def complete_parts(parts: dict[str, str], spec: Mapping[str, Any]) -> dict[str, str]:
    """Add what goes without saying, what was composed, and whether the backbone was frozen."""
    # Records from before batches could be mixed name no mixer.
    parts.setdefault("mixer", str(Spec.model_fields["mixer"].default.name))
    stages = [str(stage["name"]) for stage in spec.get("stages", [])]
    composed = {"recipe": str(spec.get("recipe") or ""), "stages": THEN.join(stages)}
    parts = UNSPOKEN | parts | {part: name for part, name in composed.items() if name}
    if spec.get("backbone", {}).get("frozen"):
        # A head on fixed features is another method than a fine-tuned network.
        parts["backbone"] = f"{parts['backbone']}, frozen"
    return parts


def _run(folder: Path, record: Record) -> Run:
    return Run(
        name=folder.name,
        folder=folder.as_posix(),
        seed=record.seed,
        updates=record.data.get("updates"),
        created=record.created,
        metrics=record.metrics.get("test", {}),
        validation=record.metrics.get("validation", {}),
        decision=record.decision,
        confusion=record.confusion.get("test", []),
    )


def means(found: Sequence[Mapping[str, Figure]]) -> dict[str, Figure]:
    """Return the mean of every figure that all have, without an interval.

    Examples
    --------
    >>> means([{"auc": Figure(0.7, 0.6, 0.8)}, {"auc": Figure(0.8, 0.7, 0.9)}])
    {'auc': Figure(value=0.75, low=None, high=None)}
    """
    names = (name for name in found[0] if all(name in other for other in found))
    return {name: Figure(math.fsum(f[name].value for f in found) / len(found)) for name in names}


def _sum(matrices: Sequence[list[list[int]]]) -> list[list[int]]:
    """Return the sum of confusion matrices, nothing where one is missing or of another size."""
    if len(matrices) == 1:
        return matrices[0]
    if len({len(matrix) for matrix in matrices}) > 1:
        return []
    return [
        [sum(cells) for cells in zip(*lines, strict=True)] for lines in zip(*matrices, strict=True)
    ]


def decision_text(decision: dict[str, Any]) -> str:
    """Return how the decision was made, in words.

    Examples
    --------
    >>> decision_text({"rule": "threshold", "criterion": "youden", "chosen_on": "validation"})
    'threshold chosen on validation (youden)'
    """
    if decision.get("rule") != "threshold":
        return "the most likely class" if decision.get("rule") == "argmax" else ""
    chosen = f"threshold chosen on {decision.get('chosen_on', 'an unknown split')}"
    criterion = decision.get("criterion")
    return f"{chosen} ({criterion})" if criterion else chosen
