"""Which files are looked at while a part works."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_EVENTS = frozenset({"open", "os.listdir", "os.scandir"})
_watchers: list[tuple[str, list[str]]] = []
_installed: list[bool] = []


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watchers or event not in _EVENTS:
        return
    path = arguments[0]
    if isinstance(path, (str, bytes, os.PathLike)):
        found = os.path.realpath(os.fsdecode(path))
        for folder, seen in _watchers:
            if found == folder or found.startswith(folder + os.sep):
                seen.append(found)


@contextmanager
def watched(folder: Path) -> Iterator[list[str]]:
    """Collect the paths at and below `folder` that are opened or listed within the block."""
    if not _installed:  # a hook cannot be taken out again
        sys.addaudithook(_hear)
        _installed.append(True)
    watcher: tuple[str, list[str]] = (os.path.realpath(folder), [])
    _watchers.append(watcher)
    try:
        yield watcher[1]
    finally:
        _watchers.remove(watcher)
