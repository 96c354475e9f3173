"""The plugin of pytest: it makes the mark ``conformance`` known, so that ``-m`` can choose it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Announce the mark of the tests that :func:`imbalance_derm.testing.conformance` makes."""
    text = "conformance(kind, name): tries a part of imbalance_derm by the rules of its contract"
    config.addinivalue_line("markers", text)
