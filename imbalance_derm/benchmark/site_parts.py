"""What a leaderboard's page of one component says of it."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass

import tomli_w

from imbalance_derm.benchmark.leaderboard import Board
from imbalance_derm.errors import InputError
from imbalance_derm.experiment.recipes import recipes
from imbalance_derm.registry.component import KINDS
from imbalance_derm.registry.manager import installed
from imbalance_derm.registry.parameters import Parameter, describe

Results = dict[int, list[int]]
"""By number of the ranking the places of rows."""


@dataclass(frozen=True)
class Part:
    """One component with all rows that it has a share in.

    Attributes
    ----------
    kind, name : str
        As in the registry; the kind ``recipe`` is a composition of parts.
    summary, citation, origin : str
    parameters : list of Parameter
    sections : str
        What a recipe is composed of, as TOML.
    note : str
        Why nothing more is known.
    results : dict of int to list of int
        By number of the ranking the places of the rows that have it; the first place is 1.
    """

    kind: str
    name: str
    summary: str
    citation: str
    origin: str
    parameters: list[Parameter]
    sections: str
    note: str
    results: Results

    @property
    def key(self) -> str:
        """What rows call it."""
        return f"{self.kind}/{self.name}"

    @property
    def file(self) -> str:
        """Name of its page; a name that no file can have is told apart by a checksum."""
        safe = re.sub(r"[^a-z0-9_-]+", "-", self.name)
        mark = "" if safe == self.name else "-" + hashlib.sha256(self.name.encode()).hexdigest()[:8]
        return f"{self.kind}-{safe}{mark}.html"

    @property
    def rows(self) -> int:
        """Rows that have it, over all rankings."""
        return sum(map(len, self.results.values()))


def parts_of(boards: list[Board]) -> list[Part]:
    """Return every component that a row names, by kind in the order in which a run uses them."""
    citations: dict[tuple[str, str], str] = {}
    results: dict[tuple[str, str], Results] = {}
    for number, board in enumerate(boards):
        for place, row in enumerate(board.rows, start=1):
            for key in {**row.components, ("dataset", row.data): ""}:
                citations[key] = citations.get(key) or row.components.get(key, "")
                results.setdefault(key, {}).setdefault(number, []).append(place)
    order = [*KINDS, "recipe"]
    return [
        _part(*key, citations[key], results[key])
        for key in sorted(results, key=lambda key: (order.index(key[0]), key[1]))
        if key[0] in order
    ]


def default_text(parameter: Parameter) -> str:
    """Return the default of a parameter for a reader."""
    return "" if parameter.default is None else json.dumps(parameter.default, ensure_ascii=False)


def _part(kind: str, name: str, citation: str, results: Results) -> Part:
    if kind == "recipe":
        return _recipe(name, citation, results)
    entry = installed().entries.get((kind, name.partition("/")[0]))
    if entry is None:
        note = f"This installation has no {kind} of this name; what runs recorded of it is below."
        return Part(kind, name, "", citation, "", [], "", note, results)
    component, note = entry.component, ""
    try:
        parameters = describe(entry.load())
    except InputError as error:
        parameters, note = [], f"Its parameters are not known: {error}."
    return Part(
        kind=kind,
        name=name,
        summary=component.summary,
        citation=component.citation or citation,
        origin=f"{entry.distribution} {entry.version}, {component.target}",
        parameters=parameters,
        sections="",
        note=note,
        results=results,
    )


def _recipe(name: str, citation: str, results: Results) -> Part:
    found = recipes().get(name)
    if found is None:
        note = "A recipe from a file; the specification of each run holds what it set."
        return Part("recipe", name, "", citation, "", [], "", note, results)
    text = tomli_w.dumps(found.sections)
    return Part("recipe", name, found.summary, found.citation, "", [], text, "", results)
