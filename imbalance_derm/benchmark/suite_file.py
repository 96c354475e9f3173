"""What a suite says of its runs: its axes, and the metric that ranks them."""

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
    axes : tuple of str
        Names of the axes, in the suites' order; the seed is none of them.
    values : dict of str to dict of str to str
        By run folder, its value on each axis.
    """

    metric: str = ""
    axes: tuple[str, ...] = ()
    values: dict[str, dict[str, str]] = field(default_factory=dict)


NO_SUITE = SuiteFacts()
"""What is known of runs that are of no suite."""


def read_suites(paths: list[Path]) -> SuiteFacts:
    """Read ``suite.json`` of every path that is a suite's folder.

    Raises
    ------
    InputError
        A file is not what a suite writes.
    """
    metrics: list[str] = []
    axes: dict[str, None] = {}
    values: dict[str, dict[str, str]] = {}
    for path in paths:
        file = path / SUITE_FILE
        if not file.is_file():
            continue
        try:
            said = json.loads(file.read_text(encoding="utf-8"))
            axes |= dict.fromkeys(str(name) for name in said["axes"] if name != "seed")
            for name, own in said["runs"].items():
                folder = (path / RUNS / name).as_posix()
                values[folder] = {a: str(v) for a, v in own.items() if a != "seed"}
            metrics.append(said.get("metric") or "")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"{file} is not what a suite writes: {error}; run it again") from error
    metric = metrics[0] if len(set(metrics)) == 1 else ""
    return SuiteFacts(metric, tuple(axes), values)
