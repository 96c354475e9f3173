"""A zip with all that a leaderboard can be recomputed from, and the leaderboard itself."""

from __future__ import annotations

import hashlib
import zipfile
from collections import Counter
from pathlib import Path

from imbalance_derm.benchmark.suite_file import read_suites
from imbalance_derm.errors import InputError
from imbalance_derm.experiment.failure import FAILURE_FILE, find_failures
from imbalance_derm.experiment.files import replacing
from imbalance_derm.experiment.record import RECORD_FILE, find_records
from imbalance_derm.suite.layout import SUITE_FILE

SPEC_FILE, PREDICTIONS_FILE = "spec.toml", "predictions.csv"
FILES = (PREDICTIONS_FILE, RECORD_FILE, SPEC_FILE)
"""Of every run that gave a record."""
SUMS_FILE, BOARD_FILE = "SHA256SUMS", "leaderboard.json"
_NO_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can say

Unit = tuple[str, tuple[tuple[str, bytes], ...]]
"""A suite, or a run that is of none: name of its folder, and place and content of its files."""


def write_bundle(paths: list[Path], file: Path) -> int:
    """Write the runs and suites below `paths`, and how they rank, to a zip.

    Of each run there are record, specification and predictions, or why it failed; suites keep
    their layout, ``suite.json`` included. ``leaderboard.json`` is the leaderboard of the unpacked
    zip. Runs that a ranking does not count are left out, and are not named there.

    The same runs give the same bytes wherever they lie: names are sorted, times are fixed.
    ``SHA256SUMS`` holds a checksum of every file, as ``sha256sum -c`` reads it.

    Parameters
    ----------
    paths : list of Path
        Run folders, folders of runs, or folders of suites.
    file : Path
        The zip; an older one is replaced.

    Returns
    -------
    int
        Runs with a record in the zip; one that was found twice counts once.

    Raises
    ------
    InputError
        A path is missing or holds no run, a run lacks a file, or the zip cannot be written.
    """
    # The ranking takes the name of the file of predictions from this module.
    from imbalance_derm.benchmark.rebuilt import rebuilt_board

    files = _laid_out(_units(paths))
    count = sum(name.endswith(f"/{RECORD_FILE}") for name in files)
    if not count:
        where = ", ".join(map(str, paths)) or "no path"
        raise InputError(f"no run record below {where}; make one with: imbderm run")
    files[BOARD_FILE] = rebuilt_board(files).encode()
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
    return count


def sha256(content: bytes) -> str:
    """Return the checksum of a file's content.

    Examples
    --------
    >>> sha256(b"")[:16]
    'e3b0c44298fc1c14'
    """
    return hashlib.sha256(content).hexdigest()


def _units(paths: list[Path]) -> set[Unit]:
    suites = read_suites(paths)
    found: dict[Path, dict[str, bytes]] = {
        Path(suite): {SUITE_FILE: (Path(suite) / SUITE_FILE).read_bytes()} for suite in suites.axes
    }
    wanted: list[tuple[Path, tuple[str, ...]]]
    wanted = [(folder, FILES) for folder, _ in find_records(paths)]
    wanted += [(folder, (FAILURE_FILE,)) for folder, _ in find_failures(paths)]
    for folder, names in wanted:
        if suites.counts(folder):
            top = Path(suites.suite_of(folder) or folder)
            place = folder.relative_to(top)
            own = found.setdefault(top, {})
            own |= {(place / name).as_posix(): _content(folder / name) for name in names}
    return {(top.resolve().name, tuple(sorted(own.items()))) for top, own in found.items()}


def _content(file: Path) -> bytes:
    if not file.is_file():
        raise InputError(
            f"{file.parent} has no {file.name}, so its figures could not be recomputed; run it "
            "again, or name the other runs"
        )
    return file.read_bytes()


def _laid_out(units: set[Unit]) -> dict[str, bytes]:
    """Give each unit a folder of its own, whatever folders of the same name hold."""
    twins = Counter(name for name, _ in units)
    files: dict[str, bytes] = {}
    for name, own in units:
        content = b"".join(part for place, text in own for part in (place.encode(), text))
        top = name if twins[name] == 1 else f"{name}-{sha256(content)[:8]}"
        files |= {f"{top}/{place}": text for place, text in own}
    return files
