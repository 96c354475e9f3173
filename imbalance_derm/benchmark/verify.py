"""Recomputes every figure of a bundle from its predictions."""

from __future__ import annotations

import math
import re
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from imbalance_derm.benchmark.bundle import (
    FILES,
    PREDICTIONS_FILE,
    SPEC_FILE,
    SUMS_FILE,
    sha256,
)
from imbalance_derm.benchmark.unpack import read_bundle
from imbalance_derm.errors import ImbdermError
from imbalance_derm.evaluation.decision import Decision, choose_decision
from imbalance_derm.evaluation.evaluate import evaluate
from imbalance_derm.evaluation.long_tail import long_tail_accuracy
from imbalance_derm.evaluation.predictions import Predictions
from imbalance_derm.experiment.record import RECORD_FILE, Figure, Record
from imbalance_derm.pipeline.judgement import read_predictions

TOLERANCE = 1e-9
"""What the order of a sum may change on another machine; any image moves a figure by more."""

_BEYOND = ("robustness", "sites", "paired")
_SUM = re.compile(r"([0-9a-f]{64})  (\S.*)")


@dataclass(frozen=True)
class Finding:
    """What became of one row of a bundle.

    Attributes
    ----------
    row : str
        Its folder; the name of the checksum file where the bundle as a whole is at fault.
    differences : tuple of str
        Everything that does not agree; empty where all does.
    figures : int
        Figures that were recomputed.
    beyond : tuple of str
        Sections of the record that do not follow from the predictions of the bundle.
    """

    row: str
    differences: tuple[str, ...] = ()
    figures: int = 0
    beyond: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Answers:
    """The test labels that the first row on a test set was judged by."""

    row: str
    truth: dict[str, tuple[str, int]]


def verify_bundle(file: Path) -> Iterator[Finding]:
    """Yield what becomes of each row of a bundle when it is recomputed, then of the whole.

    For each row: the checksums hold; the record says what the specification says; classes are
    counted as recorded; rows on one test set have the same labels; the decision is chosen anew
    on the validation predictions; and by it every figure of every split, its interval and the
    confusion matrices are computed anew.

    Parameters
    ----------
    file : Path
        From :func:`imbalance_derm.benchmark.bundle.write_bundle`.

    Raises
    ------
    InputError
        `file` is no bundle.

    Notes
    -----
    Checksums that lie in the bundle tell of accidents and of careless changes. Whoever changes
    predictions, figures and checksums alike so that all agree has made another run.
    """
    files = read_bundle(file)
    said = dict(_sums(files.get(SUMS_FILE, b"")))
    answers: dict[str, _Answers] = {}
    rows = sorted({name.rpartition("/")[0] for name in [*files, *said] if "/" in name})
    for row in rows:
        yield _verified(row, files, said, answers)
    strange = [name for name in files if "/" not in name and name != SUMS_FILE]
    faults = [f"{name} does not belong here" for name in sorted(strange)]
    if not rows:
        faults.append("there is no run in the bundle")
    if not said:
        faults.append("there are no checksums in the bundle")
    if faults:
        yield Finding(SUMS_FILE, tuple(faults))


def _sums(content: bytes) -> Iterator[tuple[str, str]]:
    for line in content.decode("utf-8", "replace").splitlines():
        if match := _SUM.fullmatch(line):
            yield match[2], match[1]


def _verified(
    row: str, files: dict[str, bytes], said: dict[str, str], answers: dict[str, _Answers]
) -> Finding:
    own = {f.rpartition("/")[2]: c for f, c in files.items() if f.rpartition("/")[0] == row}
    faults = [f"{name} is missing" for name in FILES if name not in own]
    faults += [f"{name} does not belong here" for name in sorted(own) if name not in FILES]
    faults += [
        f"{name} is not the file that the checksum was made of"
        for name in sorted(own)
        if said.get(f"{row}/{name}") != sha256(own[name])
    ]
    if any(name not in own for name in FILES):
        return Finding(row, tuple(faults))
    try:
        record = Record.from_json(own[RECORD_FILE].decode("utf-8"), RECORD_FILE)
        if tomllib.loads(own[SPEC_FILE].decode("utf-8")) != record.spec:
            faults.append(f"{SPEC_FILE} is not the specification in the record")
        predictions = _read(own[PREDICTIONS_FILE], tuple(record.data["classes"]))
        faults += _labels(row, record, predictions, answers)
        faults += _recomputed(record, predictions)
    except ImbdermError as error:
        faults.append(str(error))
    except (KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
        faults.append(f"it cannot be recomputed: {type(error).__name__}: {error}")
        return Finding(row, tuple(faults))
    count = sum(len(figures) for figures in record.metrics.values())
    return Finding(row, tuple(faults), count, tuple(s for s in _BEYOND if getattr(record, s)))


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
    row: str, record: Record, predictions: dict[str, Predictions], answers: dict[str, _Answers]
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
    first = answers.setdefault(str(key), _Answers(row, truth))
    unlike = [image for image in truth if first.truth.get(image) != truth[image]]
    unlike += [image for image in first.truth if image not in truth]
    if unlike:
        yield (
            f"{len(unlike)} test images, {unlike[0]} among them, are labelled otherwise in "
            f"{first.row} on the same test set"
        )


def _recomputed(record: Record, predictions: dict[str, Predictions]) -> Iterator[str]:
    settings = record.spec.get("evaluation", {})
    decision = choose_decision(
        predictions["validation"],
        settings.get("criterion", "youden"),
        settings.get("target_sensitivity", 0.9),
    )
    yield from _decision(record.decision, decision)
    counts = np.array([record.data["counts"]["train"][name] for name in record.data["classes"]])
    again = (settings["resamples"], record.spec["seed"])
    for split in record.metrics:
        if split not in predictions:
            yield f"the figures of {split} have no predictions"
            continue
        found = evaluate(predictions[split], decision, *again)
        tail = long_tail_accuracy(predictions[split], decision, counts, *again)
        yield from _figures(split, record.metrics[split], found.figures | tail)
        if record.confusion.get(split) != found.confusion:
            yield (
                f"{split} confusion matrix is {record.confusion.get(split)}, recomputed "
                f"{found.confusion}"
            )


def _decision(recorded: dict[str, Any], found: Decision) -> Iterator[str]:
    for name in ("rule", "criterion", "chosen_on"):
        if recorded.get(name) != getattr(found, name):
            yield f"decision {name} is {recorded.get(name)}, chosen anew {getattr(found, name)}"
    if not _equal(recorded.get("threshold"), found.threshold):
        yield f"decision threshold is {recorded.get('threshold')}, chosen anew {found.threshold}"


def _figures(split: str, recorded: dict[str, Figure], found: dict[str, Figure]) -> Iterable[str]:
    for name, figure in recorded.items():
        if name not in found:
            yield f"{split} {name} does not follow from predictions"
            continue
        for end in ("value", "low", "high"):
            was, now = getattr(figure, end), getattr(found[name], end)
            if not _equal(was, now):
                label = name if end == "value" else f"{name} ({end} end)"
                yield f"{split} {label} is {was}, recomputed {now}"


def _equal(first: float | None, second: float | None) -> bool:
    if first is None or second is None:
        return first is second
    if math.isnan(first) or math.isnan(second):
        return math.isnan(first) and math.isnan(second)
    return abs(first - second) <= TOLERANCE
