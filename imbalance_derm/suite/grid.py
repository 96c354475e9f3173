"""The grid of a suite: every combination of its axes, as specifications."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from imbalance_derm.errors import InputError
from imbalance_derm.experiment.settings import merge, resolve
from imbalance_derm.experiment.spec import PARTS, Spec
from imbalance_derm.pipeline.naming import run_name
from imbalance_derm.suite.suite import SEED, Suite, name_of, names_in

LISTED = (*PARTS, "recipe", "stages")
"""Axes whose values are parts, recipes or schedules, and need no name of their own."""


@dataclass(frozen=True)
class Cell:
    """One run of a suite.

    Attributes
    ----------
    axes : dict of str to str
        The value of each axis by name, the seed among them.
    spec : Spec
    excluded : str
        Why it is left out; "" where it is not.
    """

    axes: dict[str, str]
    spec: Spec
    excluded: str = ""

    @property
    def name(self) -> str:
        """Name of the run's folder."""
        return run_name(self.spec)


def grid(suite: Suite, common: dict[str, Any]) -> list[Cell]:
    """Return every combination of the axes, the seed varying fastest.

    A relative path to the data is taken from the working directory and made absolute, as workers
    may have another one.

    Parameters
    ----------
    suite : Suite
    common : dict
        Sections that win over the suite's, such as where the data are.

    Raises
    ------
    InputError
        A part, section or parameter is unknown or out of range, two combinations are the same
        run, or a section sets the seed or the preset, which are the suite's to say.

    Examples
    --------
    >>> suite = Suite(name="two", seeds=[0, 1], axes={"loss": ["ce", "focal"]})
    >>> [cell.axes["loss"] + cell.axes["seed"] for cell in grid(suite, {})]
    ['ce0', 'ce1', 'focal0', 'focal1']
    """
    choices = [list(_choices(axis, values)) for axis, values in suite.axes.items()]
    cells: dict[str, Cell] = {}
    for combination in product(*choices):
        tree: dict[str, Any] = merge({}, suite.base)
        for _, overlay in combination:
            tree = merge(_long(tree), _long(overlay))
        values = {axis: name for axis, (name, _) in zip(suite.axes, combination, strict=True)}
        for seed in suite.seeds:
            axes = {**values, SEED: str(seed)}
            own = merge(_long(_overlaid(suite, axes, tree)), common)
            _refuse_what_the_suite_says(suite, own)
            spec = _found_anywhere(resolve({**own, SEED: seed}, suite.preset))
            cell = Cell(axes, spec, _excluded(suite, axes))
            if cell.name in cells:
                raise InputError(
                    f"suite {suite.name}: {_said(cells[cell.name].axes)} and {_said(axes)} are "
                    "the same run; remove a value"
                )
            cells[cell.name] = cell
    return list(cells.values())


def _choices(axis: str, values: list[Any] | dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the name of each value of an axis with the sections that it sets."""
    if isinstance(values, dict):
        for name, overlay in values.items():
            if not isinstance(overlay, dict):
                raise InputError(
                    f"axes.{axis}.{name} is no table of sections, such as {{ loss = 'focal' }}"
                )
            yield name, overlay
        return
    if axis not in LISTED:
        raise InputError(
            f"axis '{axis}' is none of {', '.join(LISTED)}; give its values names, such as "
            f"axes.{axis}.first = {{ train.updates = 100 }}"
        )
    for value in values:
        yield name_of(value), {axis: value}


def _long(tree: dict[str, Any]) -> dict[str, Any]:
    """Write parts that are given by their name alone as tables, so that tables can overlay them."""
    return {
        key: {"name": value} if key in PARTS and isinstance(value, str) else value
        for key, value in tree.items()
    }


def _overlaid(suite: Suite, axes: dict[str, str], tree: dict[str, Any]) -> dict[str, Any]:
    for entry in suite.overlay:
        if _meant(entry, axes):
            tree = merge(_long(tree), _long(entry["set"]))
    return tree


def _refuse_what_the_suite_says(suite: Suite, tree: dict[str, Any]) -> None:
    for key, instead in ((SEED, "seeds = [0, 1, ...]"), ("preset", 'preset = "smoke"')):
        if key in tree:
            raise InputError(
                f"suite {suite.name}: '{key}' has no effect in [base], an axis, an overlay or "
                f"--set; write {instead} at the top of the suite file"
            )


def _found_anywhere(spec: Spec) -> Spec:
    """Return `spec` with an absolute path to the data."""
    if not spec.data.root:
        return spec
    root = str(Path(spec.data.root).absolute())
    return spec.model_copy(update={"data": spec.data.model_copy(update={"root": root})})


def _excluded(suite: Suite, axes: dict[str, str]) -> str:
    for entry in suite.exclude:
        if _meant(entry, axes):
            return str(entry.get("reason") or f"excluded by suite {suite.name}")
    return ""


def _meant(entry: dict[str, Any], axes: dict[str, str]) -> bool:
    """Tell whether the values of an entry that are those of axes are these."""
    return all(axes[axis] in names_in(value) for axis, value in entry.items() if axis in axes)


def _said(axes: dict[str, str]) -> str:
    return ", ".join(f"{axis} {value}" for axis, value in axes.items())
