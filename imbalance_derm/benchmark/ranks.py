"""Average ranks of methods over data sets, where there are data sets enough."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

from imbalance_derm.benchmark.cells import method_key
from imbalance_derm.benchmark.rows import Row
from imbalance_derm.errors import InputError
from imbalance_derm.evaluation.critical_difference import (
    LEAST,
    CriticalDifference,
    critical_difference,
)
from imbalance_derm.report.summary import LOWER_IS_BETTER

_LEAST_METHODS = 3


class Ranking(Protocol):
    """A board, as far as ranks over several need it."""

    @property
    def data(self) -> str:
        """Name of the data set."""

    @property
    def metric(self) -> str:
        """What ranks the rows."""

    @property
    def rows(self) -> tuple[Row, ...]:
        """Best first."""


def ranks(boards: Sequence[Ranking]) -> CriticalDifference | None:
    """Rank the methods that every data set has; None where that is no evidence.

    A method is the same where its settings are, those of the data aside. Two versions of one
    data set are one: the first counts. Leaky rows are left out, and methods that a data set has
    more than once.
    """
    by_data: dict[str, dict[str, float]] = {}
    names: dict[str, str] = {}
    for board in boards:
        sign = 1.0 if board.metric in LOWER_IS_BETTER else -1.0
        rows = [row for row in board.rows if row.runs and not row.leaky]
        methods = [method_key(row.spec, besides="data.") for row in rows]
        found = {}
        for method, row in zip(methods, rows, strict=True):
            value = row.metrics[board.metric].value if board.metric in row.metrics else math.nan
            # Twice on one data set, as at two image sizes: neither is the method's figure.
            if methods.count(method) == 1 and not math.isnan(value):
                found[method] = sign * value
                names.setdefault(method, row.method)
        by_data.setdefault(board.data, found)
    if len(by_data) < LEAST:
        return None
    first, *others = by_data.values()
    shared = [method for method in first if all(method in other for other in others)]
    if len(shared) < _LEAST_METHODS:
        return None
    scores = {names[method]: [own[method] for own in by_data.values()] for method in shared}
    try:
        return critical_difference(scores, lower_is_better=True)
    except InputError:
        return None


def over_data_sets(boards: Sequence[Ranking]) -> list[str]:
    """Say how methods rank over the data sets, or why they are not ranked."""
    count = len({board.data for board in boards})
    found = ranks(boards)
    if found is None:
        if count < LEAST:
            sets = "1 data set" if count == 1 else f"{count} data sets"
            return [f"No average ranks: {sets} here, and it takes {LEAST} or more."]
        return [
            f"No average ranks: fewer than {_LEAST_METHODS} methods were measured on all "
            f"{count} data sets."
        ]
    order = ", ".join(f"{name} {rank:.2f}" for name, rank in found.average_ranks.items())
    same = "; ".join(" = ".join(group) for group in found.groups) or "none"
    return [
        f"Average ranks over {found.data_sets} data sets: {order}. Critical difference "
        f"{found.critical_difference:.2f}; not distinguishable: {same} (Friedman p = "
        f"{found.friedman_p:.3f})."
    ]
