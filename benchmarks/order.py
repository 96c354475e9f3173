"""One method of a committed suite against each other, within each protocol, paired over seeds.

    python benchmarks/order.py benchmarks/results/melanet --axis method --value lite0_melanet
        --within protocol --metric auc

Writes ``order.json`` into the suite's folder: by protocol the order of the methods by their mean
figure, and the paired differences with intervals over lesions and seeds. Holm's adjustment is over
the comparisons of a protocol: ``detectable`` is of a comparison by itself, ``detectable_in_family``
of one among all of them.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from imbalance_derm.evaluation.benefit import benefit
from imbalance_derm.evaluation.best_set import p_value
from imbalance_derm.evaluation.decision import Decision
from imbalance_derm.evaluation.holm import holm
from imbalance_derm.evaluation.over_seeds import Method, contrasts_over_seeds
from imbalance_derm.experiment.files import write_text
from imbalance_derm.experiment.record import RECORD_FILE, Record
from imbalance_derm.pipeline.judgement import PREDICTIONS, read_predictions
from imbalance_derm.report.summary import title_of
from imbalance_derm.suite.layout import RUNS, SUITE_FILE

LEVEL = 0.05


def methods_of(
    suite: Path, axis: str, within: str
) -> tuple[dict[str, dict[str, Method]], dict[str, list[int]]]:
    """Return by protocol what the models of each method say, and the numbers of updates."""
    said: dict[str, dict[str, Any]] = defaultdict(lambda: defaultdict(list))
    updates: dict[str, set[int]] = defaultdict(set)
    described = json.loads((suite / SUITE_FILE).read_text(encoding="utf-8"))
    for name, axes in described["runs"].items():
        folder = suite / RUNS / name
        record = Record.from_json((folder / RECORD_FILE).read_text(encoding="utf-8"), name)
        classes = tuple(record.data["classes"])
        test = read_predictions(folder / PREDICTIONS, classes)["test"]
        said[axes[within]][axes[axis]].append((int(axes["seed"]), test, record.decision))
        updates[axes[within]].add(record.data["updates"])
    methods = {
        protocol: {name: _by_seed(runs) for name, runs in by_method.items()}
        for protocol, by_method in said.items()
    }
    return methods, {protocol: sorted(counts) for protocol, counts in updates.items()}


def _by_seed(runs: list[Any]) -> Method:
    runs = sorted(runs, key=lambda run: run[0])
    return [test for _, test, _ in runs], [Decision(**rule) for *_, rule in runs]


def compared(methods: dict[str, Method], value: str, metric: str) -> dict[str, Any]:
    """Return the order of the methods, and what sets `value` apart from each other."""
    others = [method for method in methods if method != value]
    contrasts = {method: {method: 1.0} for method in methods}
    contrasts |= {f"- {other}": {value: 1.0, other: -1.0} for other in others}
    found = contrasts_over_seeds(methods, contrasts, [metric])
    means = {method: found[method][metric].difference for method in methods}
    differences = {other: found[f"- {other}"][metric] for other in others}
    adjusted = holm([p_value(each) for each in differences.values()])
    detectable = [each.detectable_in_family(len(others)) for each in differences.values()]
    return {
        "verdict": verdict(value, detectable, adjusted),
        "order": sorted(means, key=lambda method: -means[method].value),
        "figures": {method: asdict(figure) for method, figure in means.items()},
        f"{value}_minus": {
            other: {
                **asdict(each),
                "p_holm": float(p),
                "detectable_in_family": seen,
                "sentence": benefit(each, title_of(metric), value, other),
            }
            for (other, each), p, seen in zip(
                differences.items(), adjusted, detectable, strict=True
            )
        },
    }


def ends(values: list[int]) -> tuple[int, int]:
    """Return the first and the last."""
    return values[0], values[-1]


def verdict(value: str, detectable: list[float | None], adjusted: Sequence[float]) -> str:
    """Say how many of the differences can be told from zero, and which would have been seen.

    Parameters
    ----------
    value : str
    detectable : list of float or None
        In the family of the differences.
    adjusted : sequence of float
        p-values by Holm, alike.
    """
    seen = sorted(each for each in detectable if each is not None)
    found = sum(p < LEVEL for p in adjusted)
    count = "none" if found == 0 else str(found)
    return (
        f"{count} of the {len(detectable)} differences of {value} from the others can be told from "
        f"zero (Holm, 5 %); true differences of {seen[0]:.3f} to {seen[-1]:.3f} would have been "
        "seen with a chance of 80 % each."
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("suite", type=Path)
    parser.add_argument("--axis", required=True)
    parser.add_argument("--value", required=True)
    parser.add_argument("--within", required=True)
    parser.add_argument("--metric", required=True)
    arguments = parser.parse_args()
    protocols, updates = methods_of(arguments.suite, arguments.axis, arguments.within)
    found = {
        protocol: {
            "updates": " to ".join(
                f"{count:,}" for count in dict.fromkeys(ends(updates[protocol]))
            ),
            **compared(methods, arguments.value, arguments.metric),
        }
        for protocol, methods in protocols.items()
    }
    table = {
        "command": shlex.join(["python", "benchmarks/order.py", *sys.argv[1:]]),
        "metric": arguments.metric,
        **found,
    }
    text = json.dumps(table, indent=1) + "\n"
    write_text(arguments.suite / "order.json", text)
    print(text)


if __name__ == "__main__":
    main()
