"""The paired difference between two committed runs on the same test images.

    python benchmarks/paired.py RUN_A RUN_B [--out FILE.json]

Each figure of A minus that of B, with a 95 % interval over lesions drawn for both at once. It
covers the draw of the test images and not the training seed: each run is one seed.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from imbalance_derm.evaluation.comparison import paired_difference
from imbalance_derm.evaluation.decision import Decision
from imbalance_derm.evaluation.predictions import Predictions
from imbalance_derm.experiment.record import RECORD_FILE, Record
from imbalance_derm.pipeline.judgement import PREDICTIONS, read_predictions


def load(folder: Path) -> tuple[Record, Predictions, Decision]:
    record = Record.from_json((folder / RECORD_FILE).read_text(encoding="utf-8"), str(folder))
    classes = tuple(record.data["classes"])
    test = read_predictions(folder / PREDICTIONS, classes)["test"]
    return record, test, Decision(**record.decision)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("a", type=Path)
    parser.add_argument("b", type=Path)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    (record_a, test_a, decision_a), (record_b, test_b, decision_b) = map(
        load, (arguments.a, arguments.b)
    )
    differences = paired_difference(test_a, decision_a, test_b, decision_b)
    text = json.dumps(
        {
            "a": record_a.name,
            "b": record_b.name,
            "updates": [record_a.data["updates"], record_b.data["updates"]],
            "difference": {
                name: asdict(figure) for name, figure in differences.items() if "/" not in name
            },
        },
        indent=2,
    )
    if arguments.out:
        arguments.out.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
