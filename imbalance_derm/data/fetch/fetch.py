"""From a catalogue entry to the folder that a data source reads."""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import requests
from filelock import FileLock, Timeout

from imbalance_derm.data.fetch.catalogue import Entry, RemoteFile
from imbalance_derm.data.fetch.download import download, new_session
from imbalance_derm.data.fetch.space import require_space
from imbalance_derm.data.fetch.unpack import unpack
from imbalance_derm.errors import InputError, RunError
from imbalance_derm.experiment.files import write_text

RECORD = "fetched.json"
"""File beside the data: where each file came from, when, and its sha256."""

Progress = Callable[[str, int, int], None]
"""``progress(what, done, total)`` in bytes; the total is 0 while it is not known."""


def is_there(entry: Entry, root: Path) -> bool:
    """Tell whether ``root/NAME`` holds anything, fetched or put there by hand."""
    folder = root / entry.name
    return folder.is_dir() and any(folder.iterdir())


def fetch(
    entry: Entry,
    root: Path,
    progress: Progress = lambda what, done, total: None,
    session: requests.Session | None = None,
) -> Path:
    """Download a data set into ``root/NAME`` and return that folder; what is there stays.

    The work is done in ``root/.NAME.fetch``; a later call goes on with what is left there. The
    folder appears under its name when all files are verified and unpacked. A file without a
    published checksum is verified by its length and, in an archive, by the archive's own
    checksums; its sha256 is recorded, and checked when a later call goes on.

    Raises
    ------
    InputError
        `root` is a file, or another process is fetching the same set into it.
    RunError
        Disk, network, a wrong checksum or a dangerous archive; what is wrong is not kept.
    """
    folder, work = root / entry.name, root / f".{entry.name}.fetch"
    if root.exists() and not root.is_dir():
        raise InputError(f"{root} is no folder; choose another one with --to DIR")
    if is_there(entry, root):
        return folder
    here = sum(path.stat().st_size for path in work.glob("*") if path.is_file())
    require_space(root, 2 * entry.size - here)  # the archives, and what comes out of them
    try:
        with _alone(work):
            if not is_there(entry, root):  # another process may just have ended
                _bring(entry, work, progress, session or new_session())
                unpacked = _lay_out(entry, work, progress)
                if folder.exists():
                    folder.rmdir()
                unpacked.rename(folder)
            shutil.rmtree(work, ignore_errors=True)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise RunError(
                f"no space left in {root}; free some, then the same command goes on where it was"
            ) from error
        raise
    return folder


@contextmanager
def _alone(work: Path) -> Iterator[None]:
    """Keep other processes out, and leave nothing where nothing was brought."""
    work.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(work / "lock", timeout=0):
            try:
                yield
            finally:
                if {path.name for path in work.glob("*")} <= {"lock", RECORD}:
                    shutil.rmtree(work, ignore_errors=True)
    except Timeout as error:
        raise InputError(f"another process is working in {work}; wait for it to end") from error


def _bring(entry: Entry, work: Path, progress: Progress, session: requests.Session) -> None:
    """Download what is missing; every file is verified, and recorded as soon as it is whole."""
    record = _read(work / RECORD)
    record |= {"name": entry.name, "title": entry.title, "licence": entry.licence.model_dump()}
    known: dict[str, Any] = record.setdefault("files", {})
    for file in entry.files:
        path = work / file.name
        if path.exists() and file.name in known:
            if _digest(path) == known[file.name]["sha256"]:
                continue
            path.unlink()  # it changed since it was recorded
        url = None  # not known of a file that was whole, but not yet recorded
        if not path.exists():
            url = download(session, file.urls, path, partial(progress, f"Fetch {file.name}"))
        _verify(file, path, entry.homepage)
        known[file.name] = {
            "url": url,
            "fetched": datetime.now(UTC).isoformat(timespec="seconds"),
            "bytes": path.stat().st_size,
            "sha256": _digest(path),
            "published_checksum": file.checksum,
        }
        write_text(work / RECORD, json.dumps(record, indent=2) + "\n")


def _verify(file: RemoteFile, path: Path, homepage: str) -> None:
    if not file.checksum:
        return
    algorithm, _, published = file.checksum.partition(":")
    found = _digest(path, algorithm)
    if found != published:
        path.unlink()
        raise RunError(
            f"{file.name} has {algorithm} {found}, published is {published}; it was removed; try "
            f"once more, then look for a new version at {homepage}"
        )


def _lay_out(entry: Entry, work: Path, progress: Progress) -> Path:
    """Return a folder with all files in their places."""
    unpacked = work / "unpacked"
    shutil.rmtree(unpacked, ignore_errors=True)
    unpacked.mkdir()
    for file in entry.files:
        path, place = work / file.name, unpacked / file.to
        if not file.members:
            place.mkdir(exist_ok=True)
            shutil.copyfile(path, place / file.name)
            continue
        try:
            unpack(path, file.members, place, partial(progress, f"Unpack {file.name}"))
        except RunError:
            shutil.rmtree(unpacked)
            path.unlink()
            raise
    shutil.copyfile(work / RECORD, unpacked / RECORD)
    return unpacked


def _digest(path: Path, algorithm: str = "sha256") -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError):
        return {}
