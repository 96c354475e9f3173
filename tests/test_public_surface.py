"""The public surface changes only together with a line in CHANGELOG.md.

`public_surface.json` holds the signatures of the last version and what has changed since. After a
change write it anew: ``python tests/test_public_surface.py``; at a release, with ``release``.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_type_hints

import pytest

from imbalance_derm.public import PUBLIC
from imbalance_derm.registry.component import KINDS
from imbalance_derm.testing.scaffold import scaffold
from imbalance_derm.version import __version__

ROOT = Path(__file__).resolve().parents[1]
SNAPSHOT = Path(__file__).with_name("public_surface.json")
WRITE_ANEW = "write the snapshot anew with: python tests/test_public_surface.py"
Surface = dict[str, str]


def surface() -> Surface:
    """Every public name, and every public member of a class, with its signature."""
    found: Surface = {}
    for module, names in PUBLIC.items():
        for name in names:
            found |= described(f"{module}.{name}", getattr(import_module(module), name))
    return found


def described(path: str, thing: Any) -> Surface:
    if inspect.isclass(thing):
        built = signature(thing) if any("__init__" in vars(each) for each in ours(thing)) else ""
        return {path: f"class{built}", **members(path, thing)}
    if inspect.isfunction(thing):
        return {path: signature(thing)}
    told = isinstance(thing, int | tuple | UnionType)
    return {path: f"= {thing!r}" if told else type(thing).__name__}


def ours(owner: type) -> list[type]:
    """A class and its bases of this package: not PyTorch's."""
    return [each for each in owner.__mro__ if each.__module__.startswith("imbalance_derm")]


def members(path: str, owner: type) -> Surface:
    found: Surface = {}
    for each in reversed(ours(owner)):
        for name, value in vars(each).items():
            value = inspect.unwrap(getattr(value, "__func__", value))
            abstract = "abstract " if getattr(value, "__isabstractmethod__", False) else ""
            if name.startswith("_") and not abstract:
                continue
            if isinstance(value, property):
                found[f"{path}.{name}"] = f"{abstract}property{signature(value.fget)}"
            elif inspect.isfunction(value):
                found[f"{path}.{name}"] = f"{abstract}{signature(value)}"
        for name, type_ in inspect.get_annotations(each).items():
            if "ClassVar" in str(type_) and not name.startswith("_"):
                found[f"{path}.{name}"] = f"{type_} = {vars(each).get(name)!r}"
    return found


def signature(thing: Any) -> str:
    return re.sub(r"<function (\w+)[^>]*>", r"<\1>", str(inspect.signature(thing)))


def changed(before: Surface, after: Surface) -> dict[str, str | None]:
    """What is new or different, and None for what is gone."""
    gone = dict.fromkeys(sorted(before.keys() - after.keys()))
    return gone | {k: v for k, v in sorted(after.items()) if before.get(k) != v}


def unmentioned(changes: dict[str, str | None], released: Surface, text: str) -> list[str]:
    """Changed names that no `code` of the text names; a new or removed class covers its members."""
    codes, missing = re.findall(r"`([^`]+)`", text), []
    for path, now in changes.items():
        owner, _, name = path.rpartition(".")
        with_owner = owner in released or owner in changes
        if with_owner and owner in changes and (owner in released) == (changes[owner] is None):
            continue
        wanted = f"{owner.rpartition('.')[2]}.{name}" if with_owner else name
        if not any(re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", code) for code in codes):
            missing.append(f"{wanted} ({'is gone' if now is None else now})")
    return missing


def unreleased() -> str:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    (section,) = re.findall(r"^## \[?Unreleased\]?\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    return str(section)


def test_the_surface_is_the_snapshot():
    kept = json.loads(SNAPSHOT.read_text(encoding="utf-8"))
    known = kept["released"] | kept["unreleased"]
    known = {path: text for path, text in known.items() if text is not None}
    differences = changed(known, surface())
    advice = f"public names have changed: {WRITE_ANEW}; add a line on each to CHANGELOG.md"
    assert not differences, f"{advice}\n{json.dumps(differences, indent=1)}"


def test_every_change_since_the_last_version_stands_in_the_changelog():
    kept = json.loads(SNAPSHOT.read_text(encoding="utf-8"))
    missing = unmentioned(kept["unreleased"], kept["released"], unreleased())
    assert not missing, f"CHANGELOG.md, Unreleased: name each of {missing} in backticks"


def test_a_new_version_has_a_section_and_a_snapshot():
    kept = json.loads(SNAPSHOT.read_text(encoding="utf-8"))
    assert kept["version"] == __version__, f"{WRITE_ANEW} release"
    assert re.search(
        rf"^## \[?{re.escape(__version__)}\]?",
        (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"),
        re.M,
    )


@pytest.mark.parametrize(
    ("before", "after", "text", "missing"),
    [
        ({"m.f": "()"}, {"m.f": "(x)"}, "", ["f ((x))"]),
        ({"m.f": "()"}, {"m.f": "(x)"}, "`f` takes `x`", []),
        ({"m.f": "()"}, {"m.f": "(x)"}, "`fit` takes f", ["f ((x))"]),
        ({"m.f": "()"}, {"m.f": "(x)"}, "`a` takes f as `b` does", ["f ((x))"]),
        ({"m.f": "()"}, {}, "", ["f (is gone)"]),
        ({}, {"m.C": "class()", "m.C.g": "(self)"}, "`C`", []),
        ({"m.C": "class()", "m.C.g": "(self)"}, {}, "`C` is gone", []),
        ({"m.C": "class()"}, {"m.C": "class()", "m.C.g": "(self)"}, "`C`", ["C.g ((self))"]),
        ({"m.C": "class()"}, {"m.C": "class(x)", "m.C.g": "()"}, "`C(x)`", ["C.g (())"]),
        ({"m.C": "class()"}, {"m.C": "class()", "m.C.g": "()"}, "`m.C.g`", []),
    ],
)
def test_a_change_without_a_line_is_found(before, after, text, missing):
    assert unmentioned(changed(before, after), before, text) == missing


def test_a_change_of_a_signature_is_seen(monkeypatch):
    from imbalance_derm.losses.contract import Loss

    before = surface()
    monkeypatch.setattr(Loss, "prepare", lambda self, classes: None)
    assert list(changed(before, surface())) == ["imbalance_derm.losses.contract.Loss.prepare"]
    monkeypatch.undo()
    monkeypatch.delattr(Loss, "prepare")
    assert changed(before, surface()) == {"imbalance_derm.losses.contract.Loss.prepare": None}


def test_all_of_the_package_is_what_is_listed():
    import imbalance_derm

    assert sorted(imbalance_derm.__all__) == sorted(PUBLIC["imbalance_derm"])
    assert sorted(import_module("imbalance_derm.testing").__all__) == sorted(
        PUBLIC["imbalance_derm.testing"]
    )


def our_types(hint: Any) -> Iterator[type]:
    if inspect.isclass(hint) and hint.__module__.startswith("imbalance_derm"):
        yield hint
    for part in get_args(hint):
        yield from our_types(part)


def test_what_a_public_signature_names_is_public():
    public = [getattr(import_module(module), n) for module, names in PUBLIC.items() for n in names]
    for thing in public:
        callables = [thing] if inspect.isfunction(thing) else []
        if inspect.isclass(thing):
            functions = [f for n, f in vars(thing).items() if n == "__init__" or n[0] != "_"]
            callables = [thing, *filter(inspect.isfunction, functions)]
        for each in callables:
            for hint in get_type_hints(each).values():
                for type_ in our_types(hint):
                    assert type_ in public, f"{each} names {type_}, which is not in public.py"


def imports(text: str) -> Iterator[tuple[str, str]]:
    """The module and the name of each import from this package; "" where a module is imported."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("imbalance_derm"):
            yield from ((str(node.module), name.name) for name in node.names)
        elif isinstance(node, ast.Import):
            yield from ((n.name, "") for n in node.names if n.name.startswith("imbalance_derm"))


def assert_public(text: str, where: str) -> None:
    for module, name in imports(text):
        public = name in PUBLIC.get(module, ())
        assert public, f"{where} imports {module}:{name}, which imbalance_derm/public.py lacks"


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_plugin_imports_public_names_only(kind, tmp_path):
    files = list(scaffold(kind, "mine", tmp_path).rglob("*.py"))
    assert len(files) == 3
    for file in files:
        assert_public(file.read_text(encoding="utf-8"), file.name)


def test_our_plugins_import_public_names_only():
    files = list((ROOT / "plugins").rglob("*.py"))
    assert len(files) > 5
    for file in files:
        assert_public(file.read_text(encoding="utf-8"), str(file.relative_to(ROOT)))


def test_the_plugin_guide_imports_public_names_only():
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "plugins.md").read_text(), re.S)
    assert len(blocks) > 1
    for block in blocks:
        assert_public(block, "docs/plugins.md")


def write(release: bool) -> None:
    now = surface()
    released = now if release else json.loads(SNAPSHOT.read_text(encoding="utf-8"))["released"]
    kept = {
        "version": __version__,
        "released": dict(sorted(released.items())),
        "unreleased": changed(released, now),
    }
    SNAPSHOT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(release=sys.argv[1:] == ["release"])
