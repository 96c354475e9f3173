"""Writes the package of a new plugin: one part that works, with its tests."""

from __future__ import annotations

import re
from importlib import metadata
from importlib.resources import files
from pathlib import Path
from string import Template

from imbalance_derm.errors import InputError
from imbalance_derm.registry.component import KINDS
from imbalance_derm.registry.manager import BUILTIN, installed, suggest

_NAME = re.compile(r"[a-z0-9]+([-_][a-z0-9]+)*")
_BASES = frozenset({"TrainingStage", *(kind.capitalize() for kind in KINDS)})
NOTICE = """SPDX-License-Identifier: Apache-2.0

Licensed under the Apache License, Version 2.0; the text is at
https://www.apache.org/licenses/LICENSE-2.0
"""


def scaffold(kind: str, name: str, out: Path) -> Path:
    """Write the folder ``imbderm-NAME`` below `out` and return it.

    Parameters
    ----------
    kind : str
        One of the kinds of parts.
    name : str
        What users will type: lower-case letters and digits, with ``-`` or ``_`` between.
    out : Path
        Is created where missing.

    Raises
    ------
    InputError
        Unknown kind, a name that is not allowed or taken, or the folder is there already.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     made = scaffold("loss", "my-loss", Path(folder))
    ...     sorted(path.name for path in made.iterdir())
    ['LICENSE', 'README.md', 'imbderm_my_loss', 'pyproject.toml', 'tests']
    """
    if kind not in KINDS:
        raise InputError(f"unknown kind '{kind}'{suggest(kind, KINDS)}")
    if not _NAME.fullmatch(name):
        raise InputError(
            f"'{name}' cannot be the name of a part; use lower-case letters and digits, with '-' "
            "or '_' between, such as my-loss"
        )
    if taken := installed().entries.get((kind, name)):
        raise InputError(
            f"{kind} '{name}' is already provided by {taken.distribution}; choose another name"
        )
    folder = out / f"imbderm-{name}"
    if folder.exists():
        raise InputError(f"{folder} is there already; choose another name, or --out DIR")
    package = f"imbderm_{name.replace('-', '_')}"
    words = {"kind": kind, "name": name, "package": package, "class_name": class_name(kind, name)}
    texts = {
        "pyproject.toml": _filled("pyproject.toml", words),
        "README.md": _filled("README.md", words),
        "LICENSE": license_text(),
        f"{package}/__init__.py": _filled("init.py", words),
        f"{package}/{kind}.py": _filled(f"{kind}.py", words),
        f"{package}/py.typed": "",
        "tests/test_conformance.py": _filled("test_conformance.py", words),
    }
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def class_name(kind: str, name: str) -> str:
    """Return a name for the class that is no other name of its module.

    Examples
    --------
    >>> class_name("loss", "my-loss"), class_name("head", "2x"), class_name("loss", "loss")
    ('MyLoss', 'Own2xHead', 'OwnLoss')
    """
    camel = "".join(word.capitalize() for word in re.split("[-_]", name))
    if not camel.endswith(kind.capitalize()):
        camel += kind.capitalize()
    return f"Own{camel}" if camel in _BASES or camel[0].isdigit() else camel


def license_text() -> str:
    """Return the licence that this release came with; a notice where it cannot be found."""
    try:
        found = metadata.files(BUILTIN) or []
    except metadata.PackageNotFoundError:
        found = []
    packaged = [Path(str(path.locate())) for path in found if path.name == "LICENSE"]
    checkout = Path(str(files("imbalance_derm"))).parent / "LICENSE"
    for file in (*packaged, checkout):
        if file.is_file() and "Apache License" in (text := file.read_text(encoding="utf-8")):
            return text
    return NOTICE


def _filled(template: str, words: dict[str, str]) -> str:
    text = files("imbalance_derm.testing").joinpath("templates", f"{template}.tmpl")
    return Template(text.read_text(encoding="utf-8")).substitute(words)
