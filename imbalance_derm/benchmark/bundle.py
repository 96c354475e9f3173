"""A zip with all that the figures of a leaderboard can be recomputed from."""

from __future__ import annotations

import hashlib
import zipfile
from collections import Counter
from pathlib import Path

from imbalance_derm.benchmark.suite_file import read_suites
from imbalance_derm.errors import InputError
from imbalance_derm.experiment.files import replacing
from imbalance_derm.experiment.record import RECORD_FILE, find_records

SPEC_FILE, PREDICTIONS_FILE = "spec.toml", "predictions.csv"
FILES = (PREDICTIONS_FILE, RECORD_FILE, SPEC_FILE)
SUMS_FILE = "SHA256SUMS"
_NO_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can say


def write_bundle(paths: list[Path], file: Path) -> int:
    """Write record, specification and predictions of every run below `paths` to a zip.

    The same runs give the same bytes wherever they lie: names are sorted, times are fixed. Each
    run has a folder; ``SHA256SUMS`` holds a checksum of every file, as ``sha256sum -c`` reads it.

    Parameters
    ----------
    paths : list of Path
        Run folders, or folders of runs.
    file : Path
        The zip; an older one is replaced.

    Returns
    -------
    int
        Runs in the zip; a run that was found twice counts once.

    Raises
    ------
    InputError
        A path is missing or holds no run, a run lacks a file, or the zip cannot be written.
    """
    suites = read_suites(paths)
    runs = {_contents(folder) for folder, _ in find_records(paths) if suites.counts(folder)}
    if not runs:
        where = ", ".join(map(str, paths)) or "no path"
        raise InputError(f"no run record below {where}; make one with: imbderm run")
    files = _named(runs)
    sums = "".join(f"{sha256(content)}  {name}\n" for name, content in sorted(files.items()))
    try:
        with replacing(file) as temporary, zipfile.ZipFile(temporary, "w") as target:
            for name, content in sorted({**files, SUMS_FILE: sums.encode()}.items()):
                entry = zipfile.ZipInfo(name, _NO_TIME)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.create_system, entry.external_attr = 3, 0o644 << 16
                target.writestr(entry, content)
    except OSError as error:
        raise InputError(f"cannot write {file}: {error.strerror}; choose another file") from error
    return len(runs)


def sha256(content: bytes) -> str:
    """Return the checksum of a file's content.

    Examples
    --------
    >>> sha256(b"")[:16]
    'e3b0c44298fc1c14'
    """
    return hashlib.sha256(content).hexdigest()


def _contents(folder: Path) -> tuple[str, tuple[bytes, ...]]:
    for name in FILES:
        if not (folder / name).is_file():
            raise InputError(
                f"{folder} has no {name}, so its figures could not be recomputed; run it again, "
                "or name the other runs"
            )
    return folder.resolve().name, tuple((folder / name).read_bytes() for name in FILES)


def _named(runs: set[tuple[str, tuple[bytes, ...]]]) -> dict[str, bytes]:
    """Give each run a folder of its own, whatever folders of the same name hold."""
    twins = Counter(name for name, _ in runs)
    files: dict[str, bytes] = {}
    for name, contents in runs:
        own = name if twins[name] == 1 else f"{name}-{sha256(b''.join(contents))[:8]}"
        files |= {f"{own}/{file}": text for file, text in zip(FILES, contents, strict=True)}
    return files
