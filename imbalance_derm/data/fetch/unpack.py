"""Taking files out of an archive that nobody here has made."""

from __future__ import annotations

import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from imbalance_derm.data.fetch.space import require_space
from imbalance_derm.errors import RunError

LARGEST_RATIO = 50
"""Bytes out for each byte in. Photographs give 1, tables about 10, a bomb hundreds."""

MOST_MEMBERS = 100_000

_KINDS = frozenset({0, stat.S_IFREG, stat.S_IFDIR})


def unpack(archive: Path, pattern: str, folder: Path, progress: Callable[[int, int], None]) -> int:
    """Put the files of a zip archive whose names match `pattern` into `folder`, and count them.

    The folders inside the archive are left out: a member lands in `folder` under its last name.
    Hidden files and what macOS adds are skipped. The whole archive is looked at before anything
    is written; its checksums are verified on the way.

    Parameters
    ----------
    progress : callable
        ``progress(done, total)`` in bytes.

    Raises
    ------
    RunError
        The archive is damaged, holds nothing that matches, or holds what no data set needs:
        a path that leads elsewhere, a link, a device, one file twice, or more than
        ``LARGEST_RATIO`` times its own size.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            wanted = _examine(opened, pattern, archive.stat().st_size)
            total = sum(member.file_size for member in wanted.values())
            require_space(folder, total)
            folder.mkdir(parents=True, exist_ok=True)
            done = 0
            progress(done, total)
            for name, member in wanted.items():
                with opened.open(member) as source, (folder / name).open("xb") as target:
                    shutil.copyfileobj(source, target)
                done += member.file_size
                progress(done, total)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        # zipfile says RuntimeError for a password and NotImplementedError for a method
        raise _refusal(archive, str(error)) from error
    return len(wanted)


def _examine(opened: zipfile.ZipFile, pattern: str, packed: int) -> dict[str, zipfile.ZipInfo]:
    archive = Path(str(opened.filename))
    members = opened.infolist()
    if len(members) > MOST_MEMBERS:
        raise _refusal(archive, f"it holds {len(members)} files")
    total = sum(member.file_size for member in members)
    if total > LARGEST_RATIO * packed:
        raise _refusal(archive, f"its {packed} bytes would become {total}")
    wanted: dict[str, zipfile.ZipInfo] = {}
    for member in members:
        if fault := _fault(member):
            raise _refusal(archive, f"'{member.filename}' {fault}")
        name = PurePosixPath(member.filename).name
        hidden = name.startswith(".")
        if member.is_dir() or hidden or not fnmatchcase(name.lower(), pattern.lower()):
            continue
        if name in wanted:
            raise _refusal(archive, f"it holds '{name}' twice")
        wanted[name] = member
    if not wanted:
        raise _refusal(archive, f"it holds no {pattern}; the publisher may have changed it")
    return wanted


def _fault(member: zipfile.ZipInfo) -> str:
    parts = member.filename.replace("\\", "/").split("/")
    if parts[0] == "" or ":" in parts[0] or ".." in parts:
        return "leads out of its folder"
    if stat.S_IFMT(member.external_attr >> 16) not in _KINDS:
        return "is neither a file nor a folder"
    return ""


def _refusal(archive: Path, reason: str) -> RunError:
    return RunError(f"{archive.name} is not unpacked: {reason}")
