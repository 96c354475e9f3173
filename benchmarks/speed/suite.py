"""What sharing stages saves: a suite against its runs one after another, each from a cold cache.

    python benchmarks/speed/suite.py --out FILE.json [--suite FILE.toml] [--jobs 1 2] [--alone N]

The suite is carried out with each number of one-thread workers, from a cold cache, and once more
when it is complete. Its runs are then made by one `imbderm run` after another with PyTorch's own
number of threads, each with a cache of its own; of these the first N, or all. Every command is a
process of its own, as a user's is. Metrics of the suite's runs are compared between the numbers
of workers.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from imbalance_derm.experiment.environment import environment
from imbalance_derm.experiment.files import write_text
from imbalance_derm.experiment.record import find_records
from imbalance_derm.suite.grid import grid
from imbalance_derm.suite.suite import read_suite


def timed(cache: Path, *words: object) -> float:
    """Return the seconds of one command."""
    given = {**os.environ, "IMBDERM_CACHE": str(cache)}
    start = time.perf_counter()
    command = [sys.executable, "-m", "imbalance_derm", *map(str, words)]
    subprocess.run(
        command, env=given, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    return time.perf_counter() - start


def metrics(folder: Path) -> dict[str, Any]:
    """Return the figures of every run below `folder`, by the run's name."""
    return {record.name: record.metrics for _, record in find_records([folder])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", type=Path, default=Path("benchmarks/suites/demo.toml"))
    parser.add_argument("--jobs", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--alone", type=int)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    cells = grid(read_suite(arguments.suite), {})
    work = Path(tempfile.mkdtemp())
    result: dict[str, Any] = {
        "command": f"python benchmarks/speed/suite.py --out {arguments.out.name}",
        "suite": arguments.suite.name,
        "runs": len(cells),
        "seconds": {},
    }
    figures = []
    for jobs in arguments.jobs:
        out, cache = work / f"out{jobs}", work / f"cache{jobs}"
        words = ("bench", arguments.suite, "--jobs", jobs, "--out", out)
        result["seconds"][f"suite, {jobs} at a time"] = timed(cache, *words)
        result["seconds"][f"once more when complete, {jobs}"] = timed(cache, *words)
        figures.append(metrics(out))
        shutil.rmtree(cache)
        report(arguments.out, result)
    result["identical metrics"] = all(each == figures[0] for each in figures)
    report(arguments.out, result)
    alone: list[float] = []
    for number, cell in enumerate(cells[: arguments.alone]):
        config = work / f"{number}.toml"
        config.write_text(cell.spec.to_toml(), encoding="utf-8")
        cache = work / "alone"
        alone.append(timed(cache, "run", "--config", config, "--out", work / "runs"))
        shutil.rmtree(cache)
        result["seconds"]["one after another"] = sum(alone)
        result["seconds of each"] = alone
        report(arguments.out, result)
    shutil.rmtree(work)


def report(file: Path, result: dict[str, Any]) -> None:
    """Write what is known so far, and print it."""
    seconds = result["seconds"]
    of = {jobs: seconds.get(f"suite, {jobs} at a time") for jobs in (1, 2)}
    if of[1] and of[2]:
        result["two workers against one"] = of[1] / of[2]
    alone = result.get("seconds of each", [])
    if of[2] and len(alone) == result["runs"]:
        result["suite against its runs one after another"] = sum(alone) / of[2]
    result["environment"] = environment("cpu", os.cpu_count() or 1, "no")
    write_text(file, json.dumps(result, indent=1) + "\n")
    print(json.dumps(seconds), flush=True)


if __name__ == "__main__":
    main()
