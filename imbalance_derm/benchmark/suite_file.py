"""What a suite says of its runs: which they are, its axes, and the metric that ranks them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from imbalance_derm.errors import InputError
from imbalance_derm.suite.layout import RUNS, SUITE_FILE


@dataclass(frozen=True)
class SuiteFacts:
    """What the suites below some paths say.

    Attributes
    ----------
    metric : str
        That all of them are to be ranked by; empty where they name none, or several.
    axes : dict of str to tuple of str
        By suite folder the names of its axes in order; the seed is none of them.
    values : dict of str to dict of str to str
        By run folder, its value on each axis.
    remarks : dict of str to tuple of str
        By suite folder what it is, and what a reader of its rows must know.
    """

    metric: str = ""
    axes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    remarks: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def suite_of(self, folder: Path) -> str:
        """Return the suite's folder that a run lies in, "" where there is none."""
        above = (parent.as_posix() for parent in folder.parents)
        return next((parent for parent in above if parent in self.axes), "")

    def counts(self, folder: Path) -> bool:
        """Whether a run is of no suite, or one that its suite still has.

        Others lie there from an earlier version of the suite, or from other settings.
        """
        return not self.suite_of(folder) or folder.as_posix() in self.values


NO_SUITE = SuiteFacts()
"""What is known of runs that are of no suite."""


def read_suites(paths: list[Path]) -> SuiteFacts:
    """Read ``suite.json`` of every suite at or below `paths`.

    Raises
    ------
    InputError
        A file is not what a suite writes.
    """
    metrics: list[str] = []
    axes: dict[str, tuple[str, ...]] = {}
    values: dict[str, dict[str, str]] = {}
    remarks: dict[str, tuple[str, ...]] = {}
    for file in (file for path in paths for file in sorted(path.rglob(SUITE_FILE))):
        suite = file.parent
        try:
            said = json.loads(file.read_text(encoding="utf-8"))
            axes[suite.as_posix()] = tuple(str(name) for name in said["axes"] if name != "seed")
            for name, own in said["runs"].items():
                folder = (suite / RUNS / name).as_posix()
                values[folder] = {a: str(v) for a, v in own.items() if a != "seed"}
            what = [f"Suite {said['name']}: {said['summary']}"] if said.get("summary") else []
            remarks[suite.as_posix()] = (*what, *map(str, said.get("remarks", ())))
            metrics.append(said.get("metric") or "")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"{file} is not what a suite writes: {error}; run it again") from error
    metric = metrics[0] if len(set(metrics)) == 1 else ""
    return SuiteFacts(metric, axes, values, remarks)
