"""Copy what may be published of runs (record, specification, predictions) below a folder.

No image, no weights and no report with photographs leaves the runs' folders:

    python benchmarks/collect.py runs/NAME [runs/NAME ...] --to benchmarks/results
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

PUBLISHED = ("record.json", "spec.toml", "predictions.csv")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--to", type=Path, required=True)
    arguments = parser.parse_args()
    for run in arguments.runs:
        target = arguments.to / run.name
        target.mkdir(parents=True, exist_ok=True)
        for name in PUBLISHED:
            shutil.copyfile(run / name, target / name)
        print(target)


if __name__ == "__main__":
    main()
