"""Finds the components of every installed plugin; one bad plugin never hides the others."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module, metadata
from typing import Any

import pluggy

from imbalance_derm.errors import InputError
from imbalance_derm.registry import hookspecs
from imbalance_derm.registry.component import API, KINDS, Component

ENTRY_POINT_GROUP = "imbderm"
BUILTIN = "imbalance-derm"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Registered:
    """A component together with the distribution that brought it."""

    component: Component
    distribution: str
    version: str

    def load(self) -> Any:
        """Import and return the object behind the component.

        Raises
        ------
        InputError
            Its module cannot be imported, or has no such attribute.
        """
        module, _, attribute = self.component.target.partition(":")
        try:
            return getattr(import_module(module), attribute)
        except (Exception, SystemExit) as error:
            raise InputError(
                f"{self.component.kind} '{self.component.name}' of {self.distribution} cannot be "
                f"imported from {self.component.target}: {error!r}; reinstall or remove it"
            ) from error


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a plugin, or one component of it, was skipped.

    `kind` and `name` are those of the component; empty where the whole plugin was skipped.
    """

    distribution: str
    reason: str
    kind: str = ""
    name: str = ""


@dataclass
class Registry:
    """Every usable component by kind and name, and what had to be skipped."""

    entries: dict[tuple[str, str], Registered] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def names(self, kind: str) -> list[str]:
        """Names of one kind, sorted."""
        return sorted(name for k, name in self.entries if k == kind)

    def get(self, kind: str, name: str) -> Registered:
        """Return the component called `name`.

        Raises
        ------
        InputError
            No such component; the text names the nearest one. Or it was skipped; the text says
            why.
        """
        if (kind, name) in self.entries:
            return self.entries[kind, name]
        for problem in self.of(kind, name):
            raise InputError(f"skipped from {problem.distribution}: {problem.reason}")
        raise InputError(
            f"unknown {kind} '{name}'{suggest(name, self.names(kind))}; "
            f"see: imbderm plugins list --kind {kind}"
        )

    def of(self, kind: str, name: str) -> list[Problem]:
        """Problems with components of this kind and name, whoever announced them."""
        return [each for each in self.problems if (each.kind, each.name) == (kind, name)]

    def add(self, component: Component, distribution: str, version: str) -> None:
        """Enter `component`, or record why it cannot be entered."""
        fault = _fault(component)
        if fault is None and (component.kind, component.name) in self.entries:
            owner = self.entries[component.kind, component.name].distribution
            fault = f"{component.kind} '{component.name}' is already provided by {owner}"
        if fault is None:
            entry = Registered(component, distribution, version)
            self.entries[component.kind, component.name] = entry
        else:
            kind, name = getattr(component, "kind", ""), getattr(component, "name", "")
            self.problems.append(Problem(distribution, fault, kind, name))


def suggest(word: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'focal'?"``, or all choices where none is near.

    Examples
    --------
    >>> suggest("focl", ["focal", "ce"])
    "; did you mean 'focal'?"
    """
    known = sorted(known)
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if near:
        return f"; did you mean '{near[0]}'?"
    return f"; choices: {', '.join(known)}" if known else ""


def _fault(component: Component) -> str | None:
    if not isinstance(component, Component):
        return f"announced {component!r}, which is not a Component"
    label = f"{component.kind} '{component.name}'"
    if component.kind not in KINDS:
        return f"{label} has an unknown kind{suggest(component.kind, KINDS)}"
    if not _NAME.fullmatch(component.name):
        return f"{label}: a name has lower-case letters, digits, '-' and '_' only"
    if ":" not in component.target:
        return f"{label}: target '{component.target}' is not of the form 'module:attribute'"
    if component.api != API:
        advice = "upgrade imbalance-derm" if component.api > API else "upgrade that package"
        return f"{label} speaks contract {component.api}, this is {API}: {advice}"
    return None


def _collect(registry: Registry, plugin: object, distribution: str, version: str) -> None:
    # Each plugin gets a manager of its own, so that a hook that raises hides no other plugin.
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(plugin, name=distribution)
    manager.check_pending()
    for components in manager.hook.imbderm_components():
        for component in components:
            registry.add(component, distribution, version)


def build_registry(entry_points: Iterable[metadata.EntryPoint]) -> Registry:
    """Collect the built-ins first, then each of `entry_points`; skip and report what fails."""
    from imbalance_derm.registry import builtins
    from imbalance_derm.version import __version__

    registry = Registry()
    _collect(registry, builtins, BUILTIN, __version__)
    for point in sorted(entry_points, key=lambda point: point.name):
        distribution = point.dist.name if point.dist else point.name
        version = point.dist.version if point.dist else "?"
        try:
            _collect(registry, point.load(), distribution, version)
        except (Exception, SystemExit) as error:
            text = str(error).splitlines()[0] if str(error) else ""
            registry.problems.append(
                Problem(distribution, f"'{point.value}' failed: {type(error).__name__}: {text}")
            )
    return registry


@cache
def installed() -> Registry:
    """Return the registry of this environment, found once per process."""
    return build_registry(metadata.entry_points(group=ENTRY_POINT_GROUP))
