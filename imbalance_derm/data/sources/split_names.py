"""The words by which users call the three splits."""

from __future__ import annotations

SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}


def split_name(word: str) -> str | None:
    """Return the split that `word` means, or None.

    Examples
    --------
    >>> split_name("Val")
    'validation'
    """
    return SPLIT_NAMES.get(word.strip().lower())
