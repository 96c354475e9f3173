"""A confusion matrix as a reader sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from imbalance_derm.report.wording import share


def confusion_rows(names: Sequence[str], matrix: Sequence[Sequence[int]]) -> list[dict[str, Any]]:
    """One row per true name: counts with their share of the row, which also tints the cell."""
    rows = []
    for place, (name, counts) in enumerate(zip(names, matrix, strict=False)):
        total = sum(counts)
        cells = [
            {
                "count": count,
                "share": share(count, total),
                "tint": round(100 * count / total) if total else 0,
                "right": column == place,
            }
            for column, count in enumerate(counts)
        ]
        rows.append({"name": name, "cells": cells, "total": total})
    return rows
