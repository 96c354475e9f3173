"""One suite through every executor: are the figures the same?

    python benchmarks/executors.py --out FILE.json [--suite FILE.toml] [--executors local ray slurm]

Each executor carries the suite out with two workers, from a cold cache; every figure and every
confusion matrix is then compared with the first one's. Ray is started by the executor; Slurm has
to run here.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from imbalance_derm.experiment.environment import environment
from imbalance_derm.experiment.files import write_text
from imbalance_derm.experiment.record import find_records

JOBS = 2


def engine(executor: str) -> str:
    """Return what does the work behind an executor, with its version."""
    if executor == "slurm":
        said = subprocess.run(["sinfo", "--version"], capture_output=True, text=True, check=True)
        return f"submitit {version('submitit')}, {said.stdout.strip()}"
    package = {"local": "loky", "ray": "ray"}[executor]
    return f"{package} {version(package)}"


def carried_out(suite: Path, executor: str, work: Path) -> tuple[float, dict[str, Any]]:
    """Return the seconds that a suite took, and every figure by run."""
    out = work / executor
    words = ["bench", suite, "--executor", executor, "--jobs", JOBS, "--out", out]
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "imbalance_derm", *map(str, words), "--quiet"],
        env={**os.environ, "IMBDERM_CACHE": str(work / f"cache_{executor}")},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    seconds = time.perf_counter() - start
    figures = {
        record.name: [asdict(record)[what] for what in ("metrics", "confusion", "decision")]
        for _, record in find_records([out])
    }
    # As text: a figure that is not defined equals itself.
    return seconds, {name: json.dumps(own, sort_keys=True) for name, own in figures.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--suite", type=Path, default=Path("benchmarks/suites/demo.toml"))
    parser.add_argument("--executors", nargs="+", default=["local", "ray", "slurm"])
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    found: dict[str, Any] = {}
    first: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as work:
        for executor in arguments.executors:
            seconds, figures = carried_out(arguments.suite, executor, Path(work))
            first = first or figures
            found[executor] = {
                "engine": engine(executor),
                "workers": JOBS,
                "seconds": seconds,
                "runs": len(figures),
                "runs that differ from the first executor's": sorted(
                    name for name in first.keys() | figures if first.get(name) != figures.get(name)
                ),
            }
            print(executor, json.dumps(found[executor]), flush=True)
    result = {
        "command": shlex.join(["python", "benchmarks/executors.py", *sys.argv[1:]]),
        "suite": arguments.suite.name,
        "executors": found,
        "environment": environment("cpu", 1, "no"),
    }
    write_text(arguments.out, json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
