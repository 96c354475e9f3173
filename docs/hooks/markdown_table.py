"""Tables in markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    r"""Return a markdown table; the cells' bars are escaped.

    Examples
    --------
    >>> print(table(("a", "b"), [("1", "x|y")]))
    | a | b |
    | --- | --- |
    | 1 | x\|y |
    """
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *([_cell(c) for c in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(text: str) -> str:
    return re.sub(r"(?<!\\)\|", r"\\|", re.sub(r"[ \n]+", " ", text.strip(" \n")))
