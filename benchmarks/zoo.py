"""Recipes on HAM10000, tested on the ISIC 2018 test set; one table.

    python benchmarks/zoo.py --data-root DIR --out FILE.json [--seeds N] [--recipes NAME ...]
        [--set KEY=VALUE ...]

Every recipe gets the same optimiser updates and the same seeds. The recipe of the headline is the
one of the highest mean balanced accuracy on validation; its difference from cross-entropy on the
test set is paired by image and seed. Stages that were computed before are found in the cache, so
an interrupted benchmark goes on where it was, and further recipes are added to an older file.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from imbalance_derm import Experiment
from imbalance_derm.errors import ImbdermError
from imbalance_derm.evaluation.benefit import benefit
from imbalance_derm.evaluation.long_tail import long_tail_groups
from imbalance_derm.evaluation.over_seeds import mean_over_seeds, paired_over_seeds
from imbalance_derm.experiment.files import write_text
from imbalance_derm.experiment.stages import StageCache
from imbalance_derm.pipeline.experiment import cache_folder
from imbalance_derm.pipeline.learning import learn_and_judge, make_workbench
from imbalance_derm.pipeline.lesions import load_lesions
from imbalance_derm.pipeline.workbench import environment_of

BASELINE = "erm"
METRICS = ("balanced_accuracy", "auc", "accuracy", "f1")
RECIPES = (
    BASELINE, "weighted_ce", "cb_ce", "focal", "cb_focal", "ldam_drw", "balanced_softmax",
    "logit_adjustment", "lade", "vs", "seesaw", "seql", "label_aware_smoothing", "asymmetric",
    "poly1", "ros", "rus", "sqrt_sampling", "progressively_balanced", "flex_sampling", "mixup",
    "remix", "balanced_mixup", "mamix", "rsg", "cosine", "sade", "bbn", "causal", "knn", "drw",
    "crt", "lws", "disalign", "mislas", "gcl", "tau_norm", "posthoc_logit_adjustment", "sam",
    "smote",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-root", required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--recipes", nargs="*", default=list(RECIPES))
    parser.add_argument("--set", dest="settings", action="append", default=[])
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    stages, judged, rows = StageCache(cache_folder(), lambda event: None), {}, {}
    names = [BASELINE, *(name for name in arguments.recipes if name != BASELINE)]
    for name in names:
        words = ["imbderm", "run", "--data", "ham10000", "--recipe", name]
        words += [word for setting in arguments.settings for word in ("--set", setting)]
        row: dict[str, Any] = {"command": shlex.join(words) + " --seed SEED"}
        try:
            judged[name] = [
                learn_and_judge(
                    Experiment(
                        "ham10000", data_root=arguments.data_root, recipe=name,
                        settings=tuple(arguments.settings), seed=seed,
                    ).spec,
                    stages,
                )
                for seed in range(arguments.seeds)
            ]  # fmt: skip
        except ImbdermError as error:
            rows[name] = {**row, "refused": str(error)}
            continue
        rows[name] = {**row, **measured(name, judged, means_of(arguments, stages))}
        print(name, json.dumps(rows[name]["test"]["balanced_accuracy"]), flush=True)
        write(arguments, stages, rows)


def means_of(arguments: argparse.Namespace, stages: StageCache) -> dict[str, list[str]]:
    """Return which sensitivities make the accuracies of head, medium and tail classes."""
    spec = Experiment("ham10000", data_root=arguments.data_root).spec
    lesions = load_lesions(make_workbench(spec, stages)).train.lesions
    groups = long_tail_groups(lesions.class_counts)
    return {
        f"{group}_accuracy": [f"sensitivity/{lesions.classes[label]}" for label in members]
        for group, members in groups.items()
    }


def measured(name: str, judged: dict[str, Any], means: dict[str, list[str]]) -> dict[str, Any]:
    """Return the figures of a recipe and its difference from the baseline."""
    sides = {
        which: ([j.predictions["test"] for j in judged[which]], [j.decision for j in judged[which]])
        for which in (name, BASELINE)
    }
    validation = mean_over_seeds(
        [j.predictions["validation"] for j in judged[name]], sides[name][1], METRICS
    )
    metrics = (*METRICS, *means)
    test = mean_over_seeds(*sides[name], metrics, means=means)
    row = {
        "validation": {metric: asdict(figure) for metric, figure in validation.items()},
        "test": {metric: asdict(figure) for metric, figure in test.items()},
        "test_by_seed": [
            j.evaluations["test"].figures["balanced_accuracy"].value for j in judged[name]
        ],
    }
    if name == BASELINE:
        return row
    paired = paired_over_seeds(*sides[name], *sides[BASELINE], metrics, means=means)
    row["against_erm"] = {metric: asdict(found) for metric, found in paired.items()}
    row["sentence"] = benefit(paired["balanced_accuracy"], "Balanced accuracy", name, BASELINE)
    return row


def write(arguments: argparse.Namespace, stages: StageCache, rows: dict[str, Any]) -> None:
    """Write all that is known so far, with the recipe that validation chooses."""
    known = {name: row for name, row in rows.items() if "validation" in row}
    chosen = max(known, key=lambda name: known[name]["validation"]["balanced_accuracy"]["value"])
    spec = Experiment(
        "ham10000", data_root=arguments.data_root, settings=tuple(arguments.settings)
    ).spec
    bench = make_workbench(spec, stages)
    names = {arguments.data_root: "DIR", str(arguments.out): arguments.out.name}
    table = {
        "command": shlex.join(
            ["python", "benchmarks/zoo.py", *(names.get(word, word) for word in sys.argv[1:])]
        ),
        "data": "HAM10000 (training), ISIC 2018 task 3 (test)",
        "notice": load_lesions(bench).notice,
        "seeds": list(range(arguments.seeds)),
        "environment": environment_of(bench),
        "chosen_on_validation": chosen,
        "headline": known[chosen].get("sentence", "the baseline itself"),
        "recipes": rows,
    }
    write_text(arguments.out, json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
