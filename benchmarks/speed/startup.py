"""Start-up of the command line against a bare Click program, pair by pair.

python benchmarks/speed/startup.py [--pairs 20]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time

HELLO = """
import click

@click.command()
def hello():
    click.echo("hello")

hello()
"""
COMMANDS = {
    "imbderm --help": [sys.executable, "-m", "imbalance_derm", "--help"],
    "imbderm plugins list": [sys.executable, "-m", "imbalance_derm", "plugins", "list"],
}


def seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=20)
    pairs = parser.parse_args().pairs
    bare = [sys.executable, "-c", HELLO]
    result = {}
    for name, command in COMMANDS.items():
        seconds(command), seconds(bare)
        ratios = [seconds(command) / seconds(bare) for _ in range(pairs)]
        result[name] = {
            "median_ratio": statistics.median(ratios),
            "min": min(ratios),
            "max": max(ratios),
        }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
