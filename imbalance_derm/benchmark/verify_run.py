"""Recomputes the figures of one run of a bundle from its predictions."""

from __future__ import annotations

import math
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from imbalance_derm.benchmark.bundle import PREDICTIONS_FILE, SPEC_FILE
from imbalance_derm.errors import ImbdermError
from imbalance_derm.evaluation.decision import Decision, choose_decision
from imbalance_derm.evaluation.evaluate import evaluate
from imbalance_derm.evaluation.long_tail import long_tail_accuracy
from imbalance_derm.evaluation.predictions import Predictions
from imbalance_derm.evaluation.robustness import robustness
from imbalance_derm.experiment.record import RECORD_FILE, Figure, Record
from imbalance_derm.pipeline.judgement import read_predictions
from imbalance_derm.report.summary import headline_metrics

TOLERANCE = 1e-9
"""What the order of a sum may change on another machine; any image moves a figure by more."""
BROKEN = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError)
"""What computing with a file raises that is not what it should be."""
SPLITS = ("validation", "test")
_CLEAN = "clean"


@dataclass(frozen=True)
class Finding:
    """What became of one part of a bundle.

    Attributes
    ----------
    row : str
        Its folder, or its file where the bundle as a whole is at fault.
    differences : tuple of str
        Everything that does not agree; empty where all does.
    figures : int
        Figures that were recomputed.
    unchecked : tuple of str
        What does not follow from the files of the bundle, and is as it was told.
    """

    row: str
    differences: tuple[str, ...] = ()
    figures: int = 0
    unchecked: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answers:
    """The test labels that the first row on a test set was judged by."""

    row: str
    truth: dict[str, tuple[str, int]]


def verify_run(row: str, own: Mapping[str, bytes], answers: dict[str, Answers]) -> Finding:
    """Recompute one run.

    Parameters
    ----------
    row : str
        Its folder in the bundle.
    own : mapping of str to bytes
        Record, specification and predictions by name.
    answers : dict of str to Answers
        By test set; that of this run is added where it is the first.
    """
    faults: list[str] = []
    try:
        record = Record.from_json(own[RECORD_FILE].decode("utf-8"), RECORD_FILE)
        if tomllib.loads(own[SPEC_FILE].decode("utf-8")) != record.spec:
            faults.append(f"{SPEC_FILE} is not the specification in the record")
        if record.seed != record.spec["seed"]:
            faults.append(f"seed is {record.seed}, in the specification {record.spec['seed']}")
        predictions = _read(own[PREDICTIONS_FILE], tuple(record.data["classes"]))
        faults += _labels(row, record, predictions, answers)
        faults += _recomputed(record, predictions)
    except ImbdermError as error:
        return Finding(row, (*faults, str(error)))
    except BROKEN as error:
        reason = f"it cannot be recomputed: {type(error).__name__}: {error}"
        return Finding(row, (*faults, reason))
    count = sum(len(figures) for figures in record.metrics.values()) + len(record.robustness)
    return Finding(row, tuple(faults), count, tuple(_unchecked(record)))


def _unchecked(record: Record) -> Iterator[str]:
    """Name what takes images, the twin's predictions or body sites: a bundle has none of them."""
    parts = {part for found in record.robustness.values() for part in found if part != _CLEAN}
    yield from (f"robustness/{part}" for part in sorted(parts))
    yield from (f"paired/{part}" for part in record.paired if part != "twin")
    for part in ("information", "by_site", "learned", "confusion"):
        if record.sites.get(part):
            yield f"sites/{part}"


def _read(content: bytes, classes: tuple[str, ...]) -> dict[str, Predictions]:
    # Through a file, so that numbers are read exactly as they were when they were judged.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / PREDICTIONS_FILE
        path.write_bytes(content)
        with np.errstate(invalid="ignore"):  # a truth that is no class becomes a negative label
            found = read_predictions(path, classes)
    for split, said in found.items():
        if (said.labels < 0).any():
            raise ValueError(f"a truth in {split} is none of the classes")
    return found


def _labels(
    row: str, record: Record, predictions: dict[str, Predictions], answers: dict[str, Answers]
) -> Iterator[str]:
    """Compare the labels with the counts in the record, and with other rows on the test set."""
    for split, said in predictions.items():
        if len(set(said.image_ids.tolist())) != len(said.image_ids):
            yield f"an image stands twice in {split}"
        recorded = record.data.get("counts", {}).get(split, {})
        here = np.bincount(said.labels, minlength=len(said.classes)).tolist()
        counted = dict(zip(said.classes, here, strict=True))
        for name in said.classes:
            if recorded and recorded.get(name) != counted[name]:
                yield f"{split} has {counted[name]} images of {name}, recorded {recorded.get(name)}"
    test, key = predictions.get("test"), record.data.get("test_set")
    if test is None or not key:
        return
    known = zip(test.lesion_ids.tolist(), test.labels.tolist(), strict=True)
    truth = dict(zip(test.image_ids.tolist(), known, strict=True))
    first = answers.setdefault(str(key), Answers(row, truth))
    unlike = [image for image in truth if first.truth.get(image) != truth[image]]
    unlike += [image for image in first.truth if image not in truth]
    if unlike:
        yield (
            f"{len(unlike)} test images, {unlike[0]} among them, are labelled otherwise in "
            f"{first.row} on the same test set"
        )


def _recomputed(record: Record, predictions: dict[str, Predictions]) -> Iterator[str]:
    absent = [split for split in SPLITS if split not in predictions]
    if absent:
        yield from (f"{split} has no predictions" for split in absent)
        return
    settings = record.spec.get("evaluation", {})
    decision = choose_decision(
        predictions["validation"],
        settings.get("criterion", "youden"),
        settings.get("target_sensitivity", 0.9),
    )
    yield from _decision(record.decision, decision)
    counts = np.array([record.data["counts"]["train"][name] for name in record.data["classes"]])
    again = (settings["resamples"], record.spec["seed"])
    for split in dict.fromkeys([*predictions, *record.metrics, *record.confusion]):
        if split not in predictions:
            yield f"{split} has no predictions"
            continue
        found = evaluate(predictions[split], decision, *again)
        tail = long_tail_accuracy(predictions[split], decision, counts, *again)
        yield from _figures(split, record.metrics.get(split, {}), found.figures | tail)
        if record.confusion.get(split) != found.confusion:
            yield (
                f"{split} confusion matrix is {record.confusion.get(split)}, recomputed "
                f"{found.confusion}"
            )
    yield from _further(record, predictions["test"], decision, again)


def _further(
    record: Record, test: Predictions, decision: Decision, again: tuple[int, int]
) -> Iterator[str]:
    """Compare the sections beside the figures with what was asked for, and clean with clean."""
    asked = record.spec.get("evaluation", {})
    for section, key in (("robustness", "corruptions"), ("paired", "paired")):
        if asked.get(key) and not getattr(record, section):
            yield f"{section} is missing: the specification asks for it"
    if record.robustness:
        metrics = headline_metrics(len(test.classes) == 2)
        found = robustness(test, {_CLEAN: [test]}, decision, metrics, *again)
        recorded = {name: _figure(own[_CLEAN]) for name, own in record.robustness.items()}
        clean = {name: each.clean for name, each in found.items()}
        yield from _figures("robustness on clean images:", recorded, clean)


def _figure(raw: Mapping[str, Any]) -> Figure:
    value = math.nan if raw["value"] is None else raw["value"]
    return Figure(value, raw["low"], raw["high"])


def _decision(recorded: dict[str, Any], found: Decision) -> Iterator[str]:
    for name in ("rule", "criterion", "chosen_on"):
        if recorded.get(name) != getattr(found, name):
            yield f"decision {name} is {recorded.get(name)}, chosen anew {getattr(found, name)}"
    if not _equal(recorded.get("threshold"), found.threshold):
        yield f"decision threshold is {recorded.get('threshold')}, chosen anew {found.threshold}"


def _figures(
    where: str, recorded: Mapping[str, Figure], found: Mapping[str, Figure]
) -> Iterator[str]:
    for name, again in found.items():
        if name not in recorded:
            yield f"{where} {name} is missing, recomputed {again.value}"
            continue
        for end in ("value", "low", "high"):
            was, now = getattr(recorded[name], end), getattr(again, end)
            if not _equal(was, now):
                label = name if end == "value" else f"{name} ({end} end)"
                yield f"{where} {label} is {was}, recomputed {now}"
    for name in sorted(recorded.keys() - found.keys()):
        yield f"{where} {name} does not follow from predictions"


def _equal(first: float | None, second: float | None) -> bool:
    if first is None or second is None:
        return first is second
    if math.isnan(first) or math.isnan(second):
        return math.isnan(first) and math.isnan(second)
    return abs(first - second) <= TOLERANCE
