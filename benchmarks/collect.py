"""Copy what may be published of runs (record, specification, predictions) below a folder.

No image, no weights and no report with photographs leaves the runs' folders, and the recorded
command loses its ``--out``: it names a folder of one machine and determines no figure.

    python benchmarks/collect.py runs/NAME [runs/NAME ...] --to benchmarks/results
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
from pathlib import Path

COPIED = ("spec.toml", "predictions.csv")


def without_out(command: str) -> str:
    """Return the command line without ``--out DIR``."""
    words = shlex.split(command)
    while "--out" in words:
        place = words.index("--out")
        del words[place : place + 2]
    return shlex.join(words)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--to", type=Path, required=True)
    arguments = parser.parse_args()
    for run in arguments.runs:
        target = arguments.to / run.name
        target.mkdir(parents=True, exist_ok=True)
        for name in COPIED:
            shutil.copyfile(run / name, target / name)
        record = json.loads((run / "record.json").read_text(encoding="utf-8"))
        record["command"] = without_out(record["command"])
        (target / "record.json").write_text(json.dumps(record, indent=2), encoding="utf-8")
        print(target)


if __name__ == "__main__":
    main()
