"""Recomputes a bundle: every figure of its runs, then their leaderboard."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from imbalance_derm.benchmark.bundle import BOARD_FILE, FILES, SUMS_FILE, sha256
from imbalance_derm.benchmark.rebuilt import board_differences, rebuilt_board
from imbalance_derm.benchmark.unpack import read_bundle
from imbalance_derm.benchmark.verify_run import BROKEN, Answers, Finding, verify_run
from imbalance_derm.errors import ImbdermError
from imbalance_derm.experiment.failure import FAILURE_FILE
from imbalance_derm.experiment.record import RECORD_FILE
from imbalance_derm.suite.layout import RUNS, SUITE_FILE

_KNOWN = {*FILES, FAILURE_FILE, SUITE_FILE}
_SUM = re.compile(r"([0-9a-f]{64})  (\S.*)")
_NO_BOARD = (
    "means and intervals over seeds, p-values, best set, choice and effects: the bundle, of an "
    f"earlier version, has no {BOARD_FILE}"
)
_OTHER_SUM = "is not the file that the checksum was made of"
_NAMED = 5


def verify_bundle(file: Path) -> Iterator[Finding]:
    """Yield what becomes of each folder of a bundle when it is recomputed, then of the whole.

    For each run: the checksums hold; the record says what the specification says; classes are
    counted as recorded; rows on one test set have the same labels; the decision is chosen anew
    on the validation predictions; and by it every figure of every split, its interval and the
    confusion matrices are computed anew. No figure may be missing, and none may be there that
    does not follow.

    For the whole: the runs are ranked anew, and every figure and sentence of the leaderboard is
    compared with the one in the bundle.

    Parameters
    ----------
    file : Path
        From :func:`imbalance_derm.benchmark.bundle.write_bundle`.

    Raises
    ------
    InputError
        `file` is no bundle.

    Notes
    -----
    Checksums that lie in the bundle tell of accidents and of careless changes. Whoever changes
    predictions, figures and checksums alike so that all agree has made another run; whoever
    leaves a run out of everything, its suite included, has made another suite. Published rows
    and sentences are those of the installed version of this package.
    """
    files = read_bundle(file)
    said = dict(_sums(files.get(SUMS_FILE, b"")))
    answers: dict[str, Answers] = {}
    folders = sorted({name.rpartition("/")[0] for name in [*files, *said] if "/" in name})
    for folder in folders:
        finding = _folder(folder, files, said, answers)
        if finding != Finding(folder):  # a suite, of which there is no more to say
            yield finding
    yield _board(files, said)
    strange = {name for name in files if "/" not in name} - {SUMS_FILE, BOARD_FILE}
    faults = [f"{name} does not belong here" for name in sorted(strange)]
    if not any(name.endswith(f"/{RECORD_FILE}") for name in files):
        faults.append("there is no run in the bundle")
    if not said:
        faults.append("there are no checksums in the bundle")
    if faults:
        yield Finding(SUMS_FILE, tuple(faults))


def _sums(content: bytes) -> Iterator[tuple[str, str]]:
    for line in content.decode("utf-8", "replace").splitlines():
        if match := _SUM.fullmatch(line):
            yield match[2], match[1]


def _folder(
    folder: str, files: Mapping[str, bytes], said: Mapping[str, str], answers: dict[str, Answers]
) -> Finding:
    own = {n.rpartition("/")[2]: c for n, c in files.items() if n.rpartition("/")[0] == folder}
    needed = {n.rpartition("/")[2] for n in said if n.rpartition("/")[0] == folder}
    if not own.keys().isdisjoint(FILES):
        needed |= {*FILES}
    faults = [f"{name} is missing" for name in sorted(needed - own.keys())]
    faults += [f"{name} does not belong here" for name in sorted(own.keys() - _KNOWN)]
    faults += [
        f"{name} {_OTHER_SUM}"
        for name in sorted(own)
        if said.get(f"{folder}/{name}") != sha256(own[name])
    ]
    if own.keys() >= {*FILES}:
        finding = verify_run(folder, own, answers)
        return replace(finding, differences=(*faults, *finding.differences))
    unchecked = [f"why the run failed ({FAILURE_FILE})"] if FAILURE_FILE in own else []
    if SUITE_FILE in own:
        unchecked += _unfinished(folder, own[SUITE_FILE], files)
    return Finding(folder, tuple(faults), 0, tuple(unchecked))


def _unfinished(folder: str, suite: bytes, files: Mapping[str, bytes]) -> Iterator[str]:
    """Name the runs of a suite of which there is nothing; without them it may look better."""
    try:
        names = list(json.loads(suite)["runs"])
    except BROKEN:  # which the ranking says
        return
    absent = [
        name
        for name in names
        if f"{folder}/{RUNS}/{name}/{RECORD_FILE}" not in files
        and f"{folder}/{RUNS}/{name}/{FAILURE_FILE}" not in files
    ]
    if absent:
        more = f" and {len(absent) - _NAMED:,} more" if len(absent) > _NAMED else ""
        yield f"runs of the suite that are not here: {', '.join(absent[:_NAMED])}{more}"


def _board(files: Mapping[str, bytes], said: Mapping[str, str]) -> Finding:
    """Rank the runs anew, and compare."""
    if BOARD_FILE not in files:
        faults = ("it is missing",) if BOARD_FILE in said else ()
        return Finding(BOARD_FILE, faults, 0, (_NO_BOARD,))
    content = files[BOARD_FILE]
    faults = () if said.get(BOARD_FILE) == sha256(content) else (f"it {_OTHER_SUM}",)
    ranked = {n: c for n, c in files.items() if "/" in n and n.rpartition("/")[2] in _KNOWN}
    try:
        with np.errstate(invalid="ignore"):  # a truth that is no class, which its run says
            found = json.loads(rebuilt_board(ranked))
        differences = tuple(board_differences(json.loads(content), found))
    except ImbdermError as error:
        return Finding(BOARD_FILE, (*faults, f"the runs cannot be ranked: {error}"))
    except BROKEN as error:
        reason = f"it cannot be compared: {type(error).__name__}: {error}"
        return Finding(BOARD_FILE, (*faults, reason))
    return Finding(BOARD_FILE, (*faults, *differences), _count(found))


def _count(tree: Any) -> int:
    """Return how many figures there are that are no whole numbers."""
    if isinstance(tree, dict | list):
        return sum(map(_count, tree.values() if isinstance(tree, dict) else tree))
    return int(isinstance(tree, float))
