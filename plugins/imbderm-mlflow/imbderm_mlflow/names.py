"""Names and values in the form that MLflow accepts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

LONGEST_NAME = 250
LONGEST_PARAMETER = 6000
LONGEST_TAG = 5000
"""Characters; MLflow 3 takes 8000 in a tag, servers of version 2 take 5000."""


def legal(name: str) -> str:
    """Return `name` with an underscore for every character that MLflow refuses in names.

    Examples
    --------
    >>> legal("test/sensitivity/nævus (common)")
    'test/sensitivity/nævus _common_'
    """
    return re.sub(r"[^\w/.\- ]", "_", name)[:LONGEST_NAME]


def flatten(spec: Mapping[str, Any]) -> dict[str, str]:
    """Return the values of a nested specification as texts, under dotted names.

    Tables in a list are numbered from 1; other values are written as JSON, which is how
    ``--set`` takes them. A text that is too long for MLflow ends in "…".

    Examples
    --------
    >>> flatten({"seed": 7, "loss": {"name": "focal"}, "stages": [{"name": "joint"}]})
    {'seed': '7', 'loss.name': 'focal', 'stages.1.name': 'joint'}
    """
    flat: dict[str, str] = {}
    for key, value in spec.items():
        if isinstance(value, list) and any(isinstance(item, dict) for item in value):
            value = {str(place): item for place, item in enumerate(value, start=1)}
        if isinstance(value, dict) and value:
            flat |= {legal(f"{key}.{name}"): text for name, text in flatten(value).items()}
        else:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            flat[legal(key)] = shortened(text, LONGEST_PARAMETER)
    return flat


def shortened(text: str, longest: int) -> str:
    """Return `text`, cut to `longest` characters where it has more."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def batches(values: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """Cut `values` into pieces of at most `size`, which is what MLflow takes in one request.

    Examples
    --------
    >>> list(batches([1, 2, 3, 4, 5], 2))
    [[1, 2], [3, 4], [5]]
    """
    return (values[start : start + size] for start in range(0, len(values), size))
