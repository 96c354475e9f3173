"""Copy what may be published of runs (record, specification, predictions) below a folder.

No image, no weights and no report with photographs leaves the runs' folders, and what is recorded
loses the folders of one machine: they determine no figure.

    python benchmarks/collect.py runs/NAME [runs/NAME ...] --to benchmarks/results
    python benchmarks/collect.py SUITE_FOLDER --to benchmarks/results/NAME [--page]

Of a suite's folder every run is copied, or why it gave no record, what the suite is, and its
leaderboard as a table; as a page too, where that is to be read without making it.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from imbalance_derm.benchmark.json_format import to_json
from imbalance_derm.benchmark.leaderboard import leaderboard
from imbalance_derm.benchmark.markdown import to_markdown
from imbalance_derm.benchmark.site import write_site
from imbalance_derm.experiment.failure import find_failures, write_failure
from imbalance_derm.experiment.files import write_text
from imbalance_derm.experiment.spec import Spec
from imbalance_derm.suite.layout import RUNS, SUITE_FILE

ANYWHERE = "DIR"
"""Stands for a folder of the machine that made a run."""


def without_folders(command: str) -> str:
    """Return the command line without ``--out DIR``, and with another name for the data's."""
    words = shlex.split(command)
    while "--out" in words:
        place = words.index("--out")
        del words[place : place + 2]
    if "--data-root" in words:
        words[words.index("--data-root") + 1] = ANYWHERE
    return shlex.join(words)


def copy_run(run: Path, target: Path) -> None:
    """Copy one run."""
    target.mkdir(parents=True, exist_ok=True)
    record: dict[str, Any] = json.loads((run / "record.json").read_text(encoding="utf-8"))
    record["command"] = without_folders(record["command"])
    if record["spec"]["data"]["root"]:
        record["spec"]["data"]["root"] = ANYWHERE
    write_text(target / "spec.toml", Spec.model_validate(record["spec"]).to_toml())
    write_text(target / "record.json", json.dumps(record, indent=1) + "\n")
    shutil.copyfile(run / "predictions.csv", target / "predictions.csv")


def copy_failure(run: Path, target: Path) -> None:
    """Copy why a run gave no record."""
    ((_, failure),) = find_failures([run])
    spec = {**failure.spec, "data": {**failure.spec["data"]}}
    if spec["data"].get("root"):
        spec["data"]["root"] = ANYWHERE
    write_failure(target, replace(failure, spec=spec))


def copy_suite(suite: Path, target: Path, page: bool) -> None:
    """Copy every run of a suite, and make the leaderboard of what was copied."""
    described = json.loads((suite / SUITE_FILE).read_text(encoding="utf-8"))
    for name in described["runs"]:
        copy = copy_run if (suite / RUNS / name / "record.json").is_file() else copy_failure
        copy(suite / RUNS / name, target / RUNS / name)
    shutil.copyfile(suite / SUITE_FILE, target / SUITE_FILE)
    boards = leaderboard([target])
    write_text(target / "README.md", to_markdown(boards))
    write_text(target / "leaderboard.json", to_json(boards))
    if page:
        write_site(boards, target / "leaderboard")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--page", action="store_true", help="of a suite's leaderboard")
    arguments = parser.parse_args()
    for folder in arguments.folders:
        if (folder / SUITE_FILE).is_file():
            copy_suite(folder, arguments.to, arguments.page)
        else:
            copy_run(folder, arguments.to / folder.name)
        print(arguments.to)


if __name__ == "__main__":
    main()
