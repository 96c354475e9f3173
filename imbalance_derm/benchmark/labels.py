"""What rows are called, so that no two different methods read the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from imbalance_derm.benchmark.cells import method_key, method_settings
from imbalance_derm.benchmark.rows import PARTS, Row

_SHOWN_SETTINGS = 3


def labelled(rows: Sequence[Row], more: Sequence[Row] = ()) -> list[Row]:
    """Name measured rows by their parts, and by more where two would read the same.

    Parameters
    ----------
    rows : sequence of Row
        Each is another method.
    more : sequence of Row
        Rows that are named beside them, such as those of failed runs.

    Returns
    -------
    list of Row
        `rows`, then `more`.
    """
    every = [*rows, *more]
    axes = dict.fromkeys(axis for row in every for axis in row.axes if axis not in PARTS)
    unlike = [part for part in PARTS[2:] if len({row.spoken(part) for row in every}) > 1]
    free = [axis for axis in axes if len({row.axes.get(axis) for row in every}) > 1]
    named = []
    for row in every:
        words = [*map(row.spoken, [*PARTS[:2], *unlike]), *(row.axes.get(a, "") for a in free)]
        named.append(replace(row, method=" + ".join(filter(None, words)) or row.method))
    by_label: dict[str, list[int]] = {}
    for place, row in enumerate(named):
        by_label.setdefault(row.method, []).append(place)
    for places in by_label.values():
        if len({named[place].key for place in places}) > 1:
            for place, method in zip(places, _apart([named[p] for p in places]), strict=True):
                named[place] = replace(named[place], method=method)
    return named


def _apart(twins: Sequence[Row]) -> list[str]:
    """Tell rows of one label apart by the settings in which they differ."""
    settings = [method_settings(row.spec) for row in twins]
    texts = [{key: repr(value) for key, value in own.items()} for own in settings]
    keys = sorted(set().union(*texts))
    unlike = [key for key in keys if len({own.get(key) for own in texts}) > 1]
    more = ", ..." if len(unlike) > _SHOWN_SETTINGS else ""
    labels = []
    for row, own in zip(twins, settings, strict=True):
        shown = ", ".join(f"{key}={own.get(key)}" for key in unlike[:_SHOWN_SETTINGS])
        labels.append(f"{row.method} ({shown}{more})" if shown else row.method)
    methods = _alike(labels, [method_key(row.spec)[:6] for row in twins])
    labels = [
        f"{label} #{method_key(row.spec)[:6]}" if len(methods[label]) > 1 else label
        for row, label in zip(twins, labels, strict=True)
    ]
    # The same settings on other training or validation images.
    splits = _alike(labels, [row.splits for row in twins])
    return [
        f"{label} (splits {row.splits[:8] or 'unknown'})" if len(splits[label]) > 1 else label
        for row, label in zip(twins, labels, strict=True)
    ]


def _alike(labels: Sequence[str], marks: Sequence[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for label, mark in zip(labels, marks, strict=True):
        found.setdefault(label, set()).add(mark)
    return found
