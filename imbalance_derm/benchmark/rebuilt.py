"""The leaderboard of a bundle: ranked from its files, and compared with what it says it is."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from imbalance_derm.benchmark.json_format import to_json
from imbalance_derm.benchmark.leaderboard import Board, leaderboard
from imbalance_derm.errors import InputError

TOLERANCE = 1e-6
"""Standard errors are roots of small differences, in which the order of a sum shows."""

_NAMED_BY = {
    "": ("title",),
    "rows": ("method", "status"),
    "runs": ("folder",),
    "by_seed": ("seed",),
    "effects": ("axis", "value", "against"),
    "methods": ("method",),
    "failures": ("method", "seeds"),
}
"""By list of objects, what tells these apart; "" is the list of rankings."""
_LONGEST = 240


def rebuilt_board(files: Mapping[str, bytes]) -> str:
    """Return the leaderboard of files as JSON, its folders named as the files are.

    Parameters
    ----------
    files : mapping of str to bytes
        By name; the names lead nowhere but below a folder, as those of
        :func:`imbalance_derm.benchmark.unpack.read_bundle`.

    Raises
    ------
    InputError
        There is no run among the files, or one of them is not what it should be.
    """
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        for name, content in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content)
        try:
            boards = leaderboard([root])
        except InputError as error:
            reason = str(error).replace(f"{root}/", "").replace(str(root), "the bundle")
            raise InputError(reason) from error
    return to_json([_below(root, board) for board in boards])


def _below(root: Path, board: Board) -> Board:
    """Name folders as they are in the bundle, wherever it was unpacked."""

    def place(folder: str) -> str:
        return Path(folder).relative_to(root).as_posix()

    rows = (
        replace(row, runs=tuple(replace(run, folder=place(run.folder)) for run in row.runs))
        for row in board.rows
    )
    failures = (replace(each, folders=tuple(map(place, each.folders))) for each in board.failures)
    return replace(board, rows=tuple(rows), failures=tuple(failures))


def board_differences(said: Any, found: Any) -> Iterator[str]:
    """Yield each figure and sentence in which two leaderboards differ, with its place.

    Parameters
    ----------
    said, found
        What :func:`imbalance_derm.benchmark.json_format.to_json` writes, parsed.

    Examples
    --------
    >>> said = [{"title": "isic2016", "failures": [{"method": "ldam", "seeds": [0]}], "notes": []}]
    >>> found = [{"title": "isic2016", "failures": [], "notes": ["leaky"]}]
    >>> for difference in board_differences(said, found):
    ...     print(difference)
    isic2016 / failures / ldam, [0] does not follow
    isic2016 / notes is missing: "leaky"
    """
    yield from _compare(said, found, ("",))


def _compare(said: Any, found: Any, where: tuple[str, ...]) -> Iterator[str]:
    place = " / ".join(where[1:]) or "the list of rankings"
    if where[-1] in _NAMED_BY and isinstance(said, list) and isinstance(found, list):
        names = _NAMED_BY[where[-1]]
        said, found = _by_name(said, names), _by_name(found, names)
    if isinstance(said, dict) and isinstance(found, dict):
        yield from (f"{place} / {name} does not follow" for name in said if name not in found)
        yield from (f"{place} / {name} is missing" for name in found if name not in said)
        for name in said:
            if name in found:
                yield from _compare(said[name], found[name], (*where, str(name)))
    elif _texts(said) and _texts(found):
        yield from (f"{place} does not follow: {_short(x)}" for x in said if x not in found)
        yield from (f"{place} is missing: {_short(x)}" for x in found if x not in said)
        if said != found and sorted(said) == sorted(found):
            yield f"{place} is in another order, recomputed {_short(found)}"
    elif not _same(said, found):
        yield f"{place} is {_short(said)}, recomputed {_short(found)}"


def _by_name(items: Sequence[Any], names: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in items:
        known = item if isinstance(item, dict) else {}
        name = own = ", ".join(str(known.get(key, "?")) for key in names)
        count = 1
        while own in found:  # as where two papers have a method of one name
            count += 1
            own = f"{name} ({count})"
        found[own] = item
    return found


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _same(said: Any, found: Any) -> bool:
    if isinstance(said, list) and isinstance(found, list):
        return len(said) == len(found) and all(map(_same, said, found))
    if _is_number(said) and _is_number(found):
        return abs(said - found) <= TOLERANCE
    return type(said) is type(found) and bool(said == found)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
