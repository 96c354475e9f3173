"""Reads a bundle that may be damaged, or made to do harm."""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

from imbalance_derm.errors import InputError

MOST_BYTES = 2**31
"""Of all files of a bundle together: they are held in memory."""
MOST_FILES = 100_000
_LONGEST_NAME, _LONGEST_PATH = 255, 1000


def read_bundle(file: Path) -> dict[str, bytes]:
    """Return the files of a bundle by name, in memory.

    The names are such that the files can be written below a folder without leaving it.

    Raises
    ------
    InputError
        There is no such file, it is not a whole zip, or its files are too large, are links, or
        have names that lead elsewhere or stand there twice.
    """
    try:
        if file.stat().st_size > MOST_BYTES:
            raise _unreadable(file, f"it has more than {MOST_BYTES:,} bytes")
        content = file.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror}; name a bundle") from error
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as source:
            entries = [entry for entry in source.infolist() if not entry.is_dir()]
            _require_safe(entries)
            return {entry.filename: _content(source, entry) for entry in entries}
    # What zipfile raises for damaged entries, a password, and ways of packing that it lacks.
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError) as error:
        raise _unreadable(file, str(error)) from error


def _unreadable(file: Path, reason: str) -> InputError:
    advice = "make one with: imbderm leaderboard RUNS --bundle FILE.zip"
    return InputError(f"{file} is not a readable bundle: {reason or 'it is cut off'}; {advice}")


def _content(source: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    with source.open(entry) as stream:
        # With a size, so that no more is ever unpacked than the entry says.
        return stream.read(entry.file_size)


def _require_safe(entries: Sequence[zipfile.ZipInfo]) -> None:
    if len(entries) > MOST_FILES:
        raise ValueError(f"it has more than {MOST_FILES:,} files")
    if sum(entry.file_size for entry in entries) > MOST_BYTES:
        raise ValueError(f"its files have more than {MOST_BYTES:,} bytes")
    times = Counter(entry.filename for entry in entries)
    folders = {str(folder) for name in times for folder in PurePosixPath(name).parents}
    for entry in entries:
        name = entry.filename
        if not _stays_below(name):
            raise ValueError(f"{name!a} is no name of a file in a folder")
        if times[name] > 1:
            raise ValueError(f"{name} is in it twice")
        if name in folders:
            raise ValueError(f"{name} is a file and a folder")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise ValueError(f"{name} is a link")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"{name} is compressed otherwise than by deflate")


def _stays_below(name: str) -> bool:
    parts = name.split("/")
    return (
        name.isprintable()
        and "\\" not in name
        and not PureWindowsPath(name).drive
        and not any(part in ("", ".", "..") for part in parts)
        and len(name.encode()) <= _LONGEST_PATH
        and all(len(part.encode()) <= _LONGEST_NAME for part in parts)
    )
