"""From what the user typed to a fully resolved specification.

Later sources win: defaults, preset, configuration file, options and ``--set``.
"""

from __future__ import annotations

import tomllib
from copy import deepcopy
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from imbalance_derm.errors import InputError
from imbalance_derm.experiment.recipes import read_recipe
from imbalance_derm.experiment.spec import (
    PARTS,
    AuditSection,
    DataSection,
    EvaluationSection,
    Spec,
    StageSection,
    TrackerSection,
    TrainSection,
)
from imbalance_derm.registry.manager import Registered, installed, suggest
from imbalance_derm.registry.parameters import parameter_model, resolve_name, validate

PRESETS = ("smoke", "demo", "paper")
Tree = dict[str, Any]


def resolve(tree: Tree, preset: str | None = None) -> Spec:
    """Fill in presets and defaults and validate every key against the part it belongs to.

    Parameters
    ----------
    tree : dict
        Sections as in a TOML file; a part may be given by its name alone
        (``{"loss": "focal"}``).
    preset : str, optional
        One of :data:`PRESETS`; by default that of `tree`, else ``"demo"``.

    Raises
    ------
    InputError
        An unknown part, section or parameter (the nearest is named), or a value out of range.

    Examples
    --------
    >>> resolve({"loss": {"name": "focal", "gamma": 1}}).loss.parameters["gamma"]
    1.0
    """
    tree = {key: _section(key, value) for key, value in deepcopy(tree).items()}
    if tree.get("recipe"):
        tree = merge(read_recipe(tree["recipe"]), tree)
    preset = preset or tree.get("preset") or "demo"
    if preset not in PRESETS:
        raise InputError(f"unknown preset '{preset}'{suggest(preset, PRESETS)}")
    sized = _preset(preset)
    spec: Tree = merge(sized, {**tree, "preset": preset})
    for section in PARTS:
        spec[section] = _part(section, tree.get(section, {}), preset, sized.get(section, {}))
    plains: dict[str, type[BaseModel]] = {
        "train": TrainSection,
        "evaluation": EvaluationSection,
        "audit": AuditSection,
    }
    for section, plain in plains.items():
        spec[section] = validate(section, plain, spec.get(section, {}))
    spec["trackers"] = [
        _validated("trackers", "tracker", TrackerSection, _named(tracker))
        for tracker in spec.get("trackers", [])
    ]
    spec["stages"] = [
        _validated("stages", "stage", StageSection, _named(stage))
        for stage in spec.get("stages") or ["joint"]
    ]
    resolve_name("backbone", spec["audit"]["extractor"])
    return Spec.model_validate(validate("run", Spec, spec))


def resolve_data(tree: Tree, preset: str = "demo") -> DataSection:
    """Resolve the section of the data set alone; no other part is imported.

    Examples
    --------
    >>> resolve_data({"data": {"name": "phantom", "ratio": 3}}).parameters["ratio"]
    3.0
    """
    given = deepcopy(_section("data", tree.get("data", {})))
    sized = _preset(preset).get("data", {})
    return DataSection.model_validate(_part("data", given, preset, sized))


def read_config(path: Path) -> Tree:
    """Read a TOML file of sections.

    Raises
    ------
    InputError
        The file cannot be read or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not valid TOML: {error}") from error


def parse_setting(text: str) -> Tree:
    """Parse ``KEY=VALUE`` of ``--set``; the value is TOML where it can be, else text.

    Raises
    ------
    InputError
        There is no ``=``, or the key has no section.

    Examples
    --------
    >>> parse_setting("synth.epochs=20"), parse_setting("synth.quota=x5")
    ({'synth': {'epochs': 20}}, {'synth': {'quota': 'x5'}})
    """
    key, equals, value = text.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts):
        raise InputError(f"--set {text}: write SECTION.KEY=VALUE, such as --set loss.gamma=1.5")
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        parsed = value
    for part in reversed(parts):
        parsed = {part: parsed}
    return parsed


def merge(base: Tree, over: Tree) -> Tree:
    """Return `base` overlaid by `over`, table by table.

    Examples
    --------
    >>> merge({"a": {"x": 1, "y": 2}}, {"a": {"x": 3}})
    {'a': {'x': 3, 'y': 2}}
    """
    result = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merge(result[key], value) if both else value
    return result


def _section(key: str, value: Any) -> Any:
    return _named(value) if key in PARTS else value


def _named(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


def _preset(name: str) -> Tree:
    file = files("imbalance_derm.experiment") / "presets" / f"{name}.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))


def _part(section: str, given: Tree, preset: str, sized: Tree) -> Tree:
    """Lay what was given over the part's own preset, over the general one, and validate it."""
    default = Spec.model_fields[section].default
    name = given.get("name") or default.name
    if section == "data":
        name = _data_by_path(given, name)
    entry, shorthand = resolve_name(PARTS[section], name)
    own = getattr(entry.load(), "presets", {}).get(preset, {})
    values = merge(merge(sized, own), {**shorthand, **given, "name": entry.component.name})
    return _validated(section, PARTS[section], type(default), values)


def _data_by_path(given: Tree, name: str) -> str:
    """Let ``--data PATH`` choose the data set that says it can read the path."""
    if ("dataset", name.partition("/")[0]) in installed().entries:
        return name
    path = Path(name)
    if path.exists():
        for (kind, known), entry in installed().entries.items():
            if kind == "dataset" and _accepts(entry, path):
                given["root"] = name
                return known
        raise InputError(
            f"no data set can read {path}; give a folder of class folders or a csv, or look "
            "whether a data set of yours is broken with: imbderm plugins doctor"
        )
    if "/" in name or path.suffix:
        raise InputError(f"--data {name}: no such file or folder")
    return name


def _accepts(entry: Registered, path: Path) -> bool:
    """Ask a data set whether it can read `path`; a broken plugin must not hide the others."""
    try:
        return bool(entry.load().accepts(path))
    except Exception:
        return False


def _validated(section: str, kind: str, model: type[BaseModel], values: Tree) -> Tree:
    """Check a section's own keys and its part's parameters, each with its own default."""
    entry, shorthand = resolve_name(kind, str(values.get("name", "")))
    own = parameter_model(entry.load())
    values = {**shorthand, **values, "name": entry.component.name}
    clash = set(own.model_fields) & set(model.model_fields)
    if clash:
        raise InputError(
            f"{kind} '{entry.component.name}' of {entry.distribution} has a parameter "
            f"'{sorted(clash)[0]}', which section [{section}] keeps for itself; rename it"
        )
    known = {*model.model_fields, *own.model_fields}
    for key in values:
        if key not in known:
            raise InputError(f"unknown setting '{section}.{key}'{suggest(key, known - {'name'})}")
    mine = {key: value for key, value in values.items() if key in model.model_fields}
    rest = {key: value for key, value in values.items() if key not in model.model_fields}
    return {**validate(section, model, mine), **validate(section, own, rest)}
