"""Hashes of everything that determines a result: values, arrays and the code itself."""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any


def digest(value: Any) -> str:
    """Return a hash of JSON-able `value` that does not depend on the order of keys.

    Examples
    --------
    >>> digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    True
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@cache
def source_digest(*modules: str) -> str:
    """Return a hash of the source of modules and packages (all files below a package).

    It is part of a stage's key, so that a changed method never meets its old results. Comments,
    docstrings and layout do not count: rewording one computes nothing anew.
    """
    total = hashlib.sha256()
    for module in modules:
        spec = find_spec(module) if module else None
        if spec is None or spec.origin is None:
            continue
        origin = Path(spec.origin)
        files = sorted(origin.parent.rglob("*.py")) if origin.name == "__init__.py" else [origin]
        for file in files:
            total.update(file.relative_to(origin.parent).as_posix().encode())
            total.update(_code(file).encode())
    return total.hexdigest()[:32]


def _code(file: Path) -> str:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and _is_text(body[0]):
            body[0] = ast.Pass()
    return ast.dump(tree)


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def files_digest(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Return a hash for each parameter that is the path of a file or folder that is there.

    A path says nothing of what lies there, such as other weights than yesterday's. A file counts
    by its bytes; a folder, which may hold thousands of images, by the names, sizes and times of
    the files in it.

    Examples
    --------
    >>> files_digest({"weights": "imagenet", "dropout": 0.2})
    {}
    """
    found = {}
    for name, value in parameters.items():
        if not isinstance(value, str) or not value:
            continue
        path = Path(value).expanduser()
        with suppress(OSError):  # too long for a name: no path
            if path.is_file():
                found[name] = file_digest(path)
            elif path.is_dir():
                files = sorted(each for each in path.rglob("*") if each.is_file())
                found[name] = digest([[str(f.relative_to(path)), *_version(f)] for f in files])
    return found


def file_digest(file: Path) -> str:
    """Return the SHA-256 of a file; it is read again once its size or time has changed.

    Raises
    ------
    OSError
        It cannot be read.
    """
    return _bytes_digest(file, *_version(file))


def _version(file: Path) -> tuple[int, int]:
    about = file.stat()
    return about.st_size, about.st_mtime_ns


@cache
def _bytes_digest(file: Path, size: int, changed: int) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
