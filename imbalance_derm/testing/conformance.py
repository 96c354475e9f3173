"""The rules of a kind as a parametrised test, for the tests of a plugin."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any


def conformance(kind: str, name: str, root: Path | None = None) -> Callable[..., None]:
    """Return a test of the part `name` that runs once for each rule of its kind.

    Parameters
    ----------
    kind, name : str
        As ``imbderm plugins list`` shows them.
    root : Path, optional
        For a data set: a small copy of it in the publisher's layout.

    Returns
    -------
    callable
        A test of pytest, with the mark ``conformance``. A broken rule is told with the line of
        the contract; an error in the part's own code keeps its traceback.

    Raises
    ------
    InputError
        There is no such kind.

    Examples
    --------
    >>> test_conformance = conformance("sampler", "shuffle")
    >>> [mark.name for mark in test_conformance.pytestmark]
    ['parametrize', 'conformance']
    """
    import pytest

    from imbalance_derm.testing.check import find, rules_of
    from imbalance_derm.testing.rule import Broken, NotChecked, Rule

    builds: list[Any] = []  # the part is looked for once, and when the tests run

    @pytest.mark.conformance(kind, name)
    @pytest.mark.parametrize("rule", [pytest.param(each, id=each.name) for each in rules_of(kind)])
    def test_conformance(rule: Rule) -> None:
        __tracebackhide__ = True
        if not builds:
            builds.append(find(kind, name, root))
        broken = ""
        try:
            rule(builds[0])
        except Broken as error:
            broken = str(error)
        except NotChecked as missing:
            pytest.skip(str(missing))
        except Exception as error:
            error.add_note(f"while trying {rule.contract}")
            raise
        if broken:
            pytest.fail(broken, pytrace=False)

    return test_conformance
