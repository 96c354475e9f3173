"""Faults that show in the table and the files' bytes, before any pixel is decoded."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pandas as pd

from imbalance_derm.data.contract import Dataset
from imbalance_derm.errors import InputError

READERS = 8
"""Threads that read files; more would not read faster, and each holds one image."""


class Checked(NamedTuple):
    """A sound table.

    Attributes
    ----------
    table : DataFrame
        Lesion table without the rows that were skipped.
    skipped : list of str
        ``"FILE: reason"`` for each of those.
    digests : list of str
        :meth:`Dataset.digest` of each row of `table`.
    """

    table: pd.DataFrame
    skipped: list[str]
    digests: list[str]


def digests(dataset: Dataset, sources: Sequence[str]) -> list[str]:
    """Return the digest of each source, read in parallel.

    Raises
    ------
    OSError
        A file cannot be read.
    """
    with ThreadPoolExecutor(READERS) as pool:
        return list(pool.map(dataset.digest, sources))


def check_table(dataset: Dataset, table: pd.DataFrame, skip_bad: bool) -> Checked:
    """Find rows without label or file, and images that occur twice.

    Of identical files the first stays where all have one label; where they have two, none can
    be trusted and all are faults. Identical photographs of one lesion with one label are no
    fault: published data sets hold them, and no split separates them.

    Parameters
    ----------
    dataset : Dataset
    table : DataFrame
        Lesion table.
    skip_bad : bool
        Leave faulty rows out instead of raising.

    Raises
    ------
    InputError
        A row is faulty and `skip_bad` is False; or no row is left.
    """
    table = table.reset_index(drop=True)
    faults: dict[int, str] = {}
    for row in table.index[table["label"].isna()]:
        faults[row] = "has no label"
    with ThreadPoolExecutor(READERS) as pool:
        read = list(pool.map(lambda source: _digest(dataset, source), table["source"]))
    for row, (_, fault) in enumerate(read):
        if fault:
            faults[row] = fault
    table["_digest"] = [digest for digest, _ in read]
    sound = table.drop(index=list(faults))
    faults |= _repeated(sound, "image", "image id")
    faults |= _repeated(sound.drop(index=list(faults), errors="ignore"), "_digest", "file")
    notes = skip_or_raise([(table["source"][r], faults[r]) for r in sorted(faults)], skip_bad)
    kept = table.drop(index=list(faults)).reset_index(drop=True)
    if kept.empty:
        raise InputError(f"none of the {len(table)} images can be used; the first: {notes[0]}")
    return Checked(kept.drop(columns="_digest"), notes, kept["_digest"].tolist())


def skip_or_raise(faults: Sequence[tuple[str, str]], skip_bad: bool) -> list[str]:
    """Return a line for each (file, reason).

    Raises
    ------
    InputError
        There is any and `skip_bad` is False; the text names the first and counts the others.
    """
    lines = [f"{source}: {reason}" for source, reason in faults]
    if lines and not skip_bad:
        more = f" (and {len(lines) - 1} more like it)" if len(lines) > 1 else ""
        raise InputError(f"{lines[0]}{more}; mend it or leave bad images out: --skip-bad-images")
    return lines


def _digest(dataset: Dataset, source: str) -> tuple[str, str]:
    try:
        return dataset.digest(source), ""
    except FileNotFoundError:
        return "", "no such file"
    except OSError as error:
        return "", f"cannot be read ({error.strerror or error})"


def _repeated(rows: pd.DataFrame, column: str, what: str) -> dict[int, str]:
    """Faults of the rows that share their value of `column`."""
    faults: dict[int, str] = {}
    shared = rows[rows.duplicated(column, keep=False)]
    for _, same in shared.groupby(column, sort=False):
        first = same.iloc[0]
        labels = sorted(same["label"].unique())
        if len(labels) > 1:
            reason = f"same {what} under two labels, {labels[0]} and {labels[1]}"
            for row in same.index:
                other = next(
                    s
                    for s, label in zip(same["source"], same["label"], strict=True)
                    if label != same["label"][row]
                )
                faults[row] = f"{reason}: see {other}"
        elif column == "image" or same["lesion"].nunique() > 1:
            for row in same.index[1:]:
                faults[row] = f"same {what} as {first['source']}"
    return faults
