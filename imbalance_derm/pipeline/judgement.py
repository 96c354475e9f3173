"""Stage: judge the trained model, the only place where the test set is opened."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from imbalance_derm.evaluation.decision import Decision, choose_decision
from imbalance_derm.evaluation.evaluate import Evaluation, evaluate
from imbalance_derm.evaluation.long_tail import long_tail_accuracy
from imbalance_derm.evaluation.predictions import Predictions
from imbalance_derm.experiment.fingerprint import source_digest
from imbalance_derm.experiment.record import Figure
from imbalance_derm.experiment.stages import Progress
from imbalance_derm.pipeline.classifier import (
    Trained,
    as_predictions,
    for_inference,
    logits_of,
)
from imbalance_derm.pipeline.lesions import Lesions, Split
from imbalance_derm.pipeline.posthoc import fitted_on_validation
from imbalance_derm.pipeline.workbench import Workbench

PREDICTIONS = "predictions.csv"
JUDGEMENT = "judgement.json"


@dataclass(frozen=True, eq=False)
class Judgement:
    """Predictions, decision rule and figures of validation and test."""

    predictions: dict[str, Predictions]
    decision: Decision
    evaluations: dict[str, Evaluation]
    test: Split
    file: Path


def judge(bench: Workbench, trained: Trained, lesions: Lesions) -> Judgement:
    """Choose the decision on validation, then open the test set and evaluate both."""
    test = lesions.test.open()
    splits = {"validation": lesions.validation, "test": test}
    classes = lesions.train.lesions.classes
    counts = lesions.train.lesions.class_counts
    resamples, seed = bench.spec.evaluation.resamples, bench.spec.seed
    inputs = {
        "model": trained.stage.key,
        "posthoc": bench.identity("posthoc"),
        "criterion": [bench.spec.evaluation.criterion, bench.spec.evaluation.target_sensitivity],
        "data": {name: split.key for name, split in splits.items()},
        "resamples": resamples,
        "seed": seed,
        "code": source_digest("imbalance_derm.evaluation", "imbalance_derm.posthoc"),
    }

    ready = {name: for_inference(bench, trained.model, split) for name, split in splits.items()}

    def compute(folder: Path, progress: Progress) -> dict[str, Any]:
        logits = {}
        for done, (name, given) in enumerate(ready.items()):
            progress(done, 2 * len(splits), {})
            logits[name] = logits_of(bench, *given)
        posthoc = fitted_on_validation(bench, trained, lesions, logits["validation"])
        said = {
            name: as_predictions(posthoc.apply(logits[name]), split)
            for name, split in splits.items()
        }
        write_predictions(folder / PREDICTIONS, said)
        # Judged as written, so that every figure can be recomputed from the file.
        said = read_predictions(folder / PREDICTIONS, classes)
        evaluation = bench.spec.evaluation
        decision = choose_decision(
            said["validation"], evaluation.criterion, evaluation.target_sensitivity
        )
        found = {}
        for done, (name, predictions) in enumerate(said.items(), start=len(splits)):
            progress(done, 2 * len(splits), {})
            evaluated = evaluate(predictions, decision, resamples, seed)
            tail = long_tail_accuracy(predictions, decision, counts, resamples, seed)
            found[name] = asdict(replace(evaluated, figures=evaluated.figures | tail))
        judged = {"decision": asdict(decision), "evaluations": found}
        (folder / JUDGEMENT).write_text(json.dumps(judged), encoding="utf-8")
        images = {name: len(split.lesions) for name, split in splits.items()}
        return {"images": images, "posthoc": posthoc.facts()}

    stage = bench.cache.run("evaluate", inputs, compute)
    judged = json.loads((stage.folder / JUDGEMENT).read_text(encoding="utf-8"))
    evaluations = {
        name: Evaluation(
            {metric: Figure(**figure) for metric, figure in found["figures"].items()},
            found["confusion"],
        )
        for name, found in judged["evaluations"].items()
    }
    file = stage.folder / PREDICTIONS
    predictions = read_predictions(file, classes)
    return Judgement(predictions, Decision(**judged["decision"]), evaluations, test, file)


def write_predictions(path: Path, predictions: dict[str, Predictions]) -> None:
    """Write a csv with a row per image: split, ids, truth and a probability per class."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        for number, (split, said) in enumerate(predictions.items()):
            if number == 0:
                writer.writerow(["split", "image", "lesion", "truth", *said.classes])
            for row, label in enumerate(said.labels):
                probabilities = [f"{p:.9g}" for p in said.probabilities[row]]
                ids = [split, said.image_ids[row], said.lesion_ids[row], said.classes[label]]
                writer.writerow([*ids, *probabilities])


def read_predictions(path: Path, classes: tuple[str, ...]) -> dict[str, Predictions]:
    """Read what :func:`write_predictions` wrote, by split."""
    text = {"split": str, "image": str, "lesion": str, "truth": str}
    table = pd.read_csv(path, dtype=text, keep_default_na=False)
    index = {name: label for label, name in enumerate(classes)}
    return {
        str(split): Predictions(
            rows["image"].to_numpy(str),
            rows["lesion"].to_numpy(str),
            rows["truth"].map(index).to_numpy(np.int64),
            rows.loc[:, list(classes)].to_numpy(np.float64),
            classes,
        )
        for split, rows in table.groupby("split", sort=False)
    }
