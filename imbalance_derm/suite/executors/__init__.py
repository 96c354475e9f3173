"""Where tasks are computed: one file for each engine."""

from __future__ import annotations

from importlib import import_module

from imbalance_derm.suite.executors.contract import Executor

EXECUTORS = {
    "local": "local:LocalExecutor",
    "ray": "ray:RayExecutor",
    "slurm": "slurm:SlurmExecutor",
}
"""By name, the module of this room and the class in it; imported when asked for."""


def find_executor(name: str) -> type[Executor]:
    """Return the executor of that name."""
    module, _, attribute = EXECUTORS[name].partition(":")
    found: type[Executor] = getattr(import_module(f"{__name__}.{module}"), attribute)
    return found
