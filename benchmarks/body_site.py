"""Body-site multi-task learning against its single-task twin on HAM10000.

    python benchmarks/body_site.py --data-root DIR --out FILE.json [--seeds N] [--set KEY=VALUE ...]

Both are trained with the same seeds, split, order of images and schedule, on lesions of HAM10000,
and tested on held-out lesions of it, clean and corrupted. Differences are paired by image and
seed.
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
from imbalance_derm.evaluation.over_seeds import mean_over_seeds
from imbalance_derm.experiment.files import write_text
from imbalance_derm.experiment.spec import Spec
from imbalance_derm.experiment.stages import StageCache
from imbalance_derm.pipeline.experiment import cache_folder
from imbalance_derm.pipeline.judgement import judge
from imbalance_derm.pipeline.learning import learn, make_synthesizer, make_workbench
from imbalance_derm.pipeline.lesions import load_lesions
from imbalance_derm.pipeline.pairing import compare, twin_spec
from imbalance_derm.pipeline.robustness import corrupted_predictions
from imbalance_derm.pipeline.sites import site_evidence
from imbalance_derm.pipeline.workbench import environment_of
from imbalance_derm.report.summary import MULTI_CLASS

COMMON = ("data.test_set=drawn", "data.site_groups=ham10000")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-root", required=True)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--set", dest="settings", action="append", default=[])
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    stages = StageCache(cache_folder(), lambda event: None)
    settings = (*COMMON, *arguments.settings)
    ours, theirs, sites = [], [], []
    for seed in range(arguments.seeds):
        spec = Experiment(
            "ham10000", data_root=arguments.data_root, head="body_site_mtl", settings=settings,
            seed=seed,
        ).spec  # fmt: skip
        judged, corrupted, found = examine(spec, stages)
        ours.append((judged, corrupted))
        sites.append(found)
        twin, their_corrupted, _ = examine(twin_spec(spec), stages)
        theirs.append((twin, their_corrupted))
        print("seed", seed, "done", flush=True)
        found_all = table(ours, theirs)
        bench = make_workbench(spec, stages)
        names = {arguments.data_root: "DIR", str(arguments.out): arguments.out.name}
        result = {
            "command": shlex.join(
                [
                    "python",
                    "benchmarks/body_site.py",
                    *(names.get(word, word) for word in sys.argv[1:]),
                ]
            ),
            "data": "HAM10000: training and held-out lesions",
            "notice": load_lesions(bench).notice,
            "settings": list(settings),
            "seeds": list(range(seed + 1)),
            "environment": environment_of(bench),
            **found_all,
            "sites_of_seed_0": sites[0],
        }
        write_text(arguments.out, json.dumps(result, indent=1) + "\n")


def examine(spec: Spec, stages: StageCache) -> tuple[Any, Any, dict[str, Any]]:
    """Train and judge one side of one seed, clean and corrupted."""
    spec, synthesizer = make_synthesizer(spec)
    bench = make_workbench(spec, stages)
    lesions = load_lesions(bench)
    trained = learn(bench, synthesizer, lesions).trained
    judged = judge(bench, trained, lesions)
    corrupted = corrupted_predictions(bench, trained, lesions, judged)
    return judged, corrupted, site_evidence(bench, lesions, trained, judged)


def table(ours: list[Any], theirs: list[Any]) -> dict[str, Any]:
    """Return the figures of both sides and their paired differences."""
    sides = {"body_site_mtl": ours, "single_task": theirs}
    figures = {}
    for name, side in sides.items():
        rules = [judged.decision for judged, _ in side]
        conditions = {
            "clean": [judged.predictions["test"] for judged, _ in side],
            "corrupted": [[p for ps in each.values() for p in ps] for _, each in side],
        }
        figures[name] = {
            condition: {
                metric: asdict(figure)
                for metric, figure in mean_over_seeds(said, rules, MULTI_CLASS).items()
            }
            for condition, said in conditions.items()
        }
    (first, our_corrupted), (second, their_corrupted) = (
        zip(*side, strict=True) for side in (ours, theirs)
    )
    paired = compare(first, second, our_corrupted, their_corrupted, "body_site_mtl", "single_task")
    return {"figures": figures, "paired": paired}


if __name__ == "__main__":
    main()
