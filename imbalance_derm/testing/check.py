"""Runs the rules of a kind on a part, and tells which of them it breaks."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Literal

from imbalance_derm.errors import InputError
from imbalance_derm.registry.component import KINDS
from imbalance_derm.registry.manager import Registry, installed, suggest
from imbalance_derm.testing.build import Build
from imbalance_derm.testing.rule import Broken, NotChecked, Rule

_FILES = {
    "dataset": "datasets",
    "synthesizer": "synthesizers",
    "sampler": "samplers",
    "mixer": "mixers",
    "backbone": "backbones",
    "head": "heads",
    "loss": "losses",
    "stage": "stages",
    "optimizer": "optimizers",
    "posthoc": "posthoc",
    "tracker": "trackers",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one rule.

    Attributes
    ----------
    rule : str
        Name of the rule.
    status : {"passed", "failed", "not checked"}
    reason : str
        What the part does instead, or what is missing to find out; empty where it passed.
    contract : str
        File, number and text of the line of the contract.
    """

    rule: str
    status: Literal["passed", "failed", "not checked"]
    reason: str
    contract: str


def check(kind: str, name: str, root: Path | None = None) -> list[Finding]:
    """Try every rule of `kind` on the installed part `name`; return those that it breaks.

    Parameters
    ----------
    kind, name : str
        As ``imbderm plugins list`` shows them.
    root : Path, optional
        For a data set: a small copy of it in the publisher's layout.

    Returns
    -------
    list of Finding
        Empty where the part keeps its contract.

    Raises
    ------
    InputError
        No such part, or one that cannot be imported.

    Examples
    --------
    >>> check("sampler", "shuffle")
    []
    """
    return [f for f in examine(find(kind, name, root)) if f.status == "failed"]


def find(kind: str, name: str, root: Path | None = None, registry: Registry | None = None) -> Build:
    """Return what builds the installed part `name` of `kind`.

    Raises
    ------
    InputError
        No such part; one that was skipped is told with the reason; or it cannot be imported.
    """
    registry = installed() if registry is None else registry
    entry = registry.get(kind, name)
    return Build(entry.component, entry.load(), root)


def rules_of(kind: str) -> tuple[Rule, ...]:
    """Return the rules of a kind, in the order in which they are tried.

    Raises
    ------
    InputError
        There is no such kind.

    Examples
    --------
    >>> rules_of("sampler")[-1].name
    'rows_are_a_function_of_the_rng'
    """
    if kind not in KINDS:
        raise InputError(f"unknown kind '{kind}'{suggest(kind, KINDS)}")
    rules: tuple[Rule, ...] = import_module(f"imbalance_derm.testing.{_FILES[kind]}").RULES
    return rules


def examine(build: Build) -> list[Finding]:
    """Try every rule of the part's kind; return what came of each."""
    return [_try(rule, build) for rule in rules_of(build.component.kind)]


def _try(rule: Rule, build: Build) -> Finding:
    try:
        rule(build)
    except Broken as error:
        return Finding(rule.name, "failed", error.reason, error.contract)
    except NotChecked as error:
        return Finding(rule.name, "not checked", str(error), rule.contract)
    except (Exception, SystemExit) as error:
        return Finding(rule.name, "failed", told(error), rule.contract)
    return Finding(rule.name, "passed", "", rule.contract)


def told(error: BaseException) -> str:
    """Return kind and first line of an error, and where outside of the kit it was raised."""
    text = str(error).strip().splitlines()
    where = traceback.extract_tb(error.__traceback__)[-1]
    first = f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
    return f"{first} (at {Path(where.filename).name}:{where.lineno})"
