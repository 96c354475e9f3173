"""What a rule is: a line of a contract, and a function that finds out whether a part keeps it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from imbalance_derm.testing.build import Build


class Broken(AssertionError):
    """A part breaks a line of its contract.

    Attributes
    ----------
    reason : str
        What the part does instead.
    contract : str
        File, number and text of the line.
    """

    def __init__(self, reason: str, contract: str) -> None:
        super().__init__(f"{reason}; the contract says: {contract}")
        self.reason = reason
        self.contract = contract


class NotChecked(Exception):
    """A rule cannot be tried here; the text says what is missing."""


@dataclass(frozen=True)
class Rule:
    """One line of a contract, and how it is tried.

    Attributes
    ----------
    module : str
        Where the line stands, as ``package.module``.
    line : str
        Text of the line, or a part of it.
    examine : callable
        ``examine(build)`` raises AssertionError where the part breaks the line.
    """

    module: str
    line: str
    examine: Callable[[Build], None]

    @property
    def name(self) -> str:
        """Name of the function: ``one_value_per_example``."""
        return self.examine.__name__

    @property
    def contract(self) -> str:
        """File, number and text of the line."""
        number = line_number(self.module, self.line)
        return f"{self.module.replace('.', '/')}.py:{number}: {self.line}"

    def __call__(self, build: Build) -> None:
        """Try the rule on the part that `build` gives.

        Raises
        ------
        Broken
            The part breaks the line; the text names it.
        NotChecked
            It cannot be found out here.
        """
        __tracebackhide__ = True
        try:
            self.examine(build)
        except AssertionError as error:
            reason = " ".join(str(error).split()) or "an assertion of its own code fails"
            raise Broken(reason, self.contract) from error


def rule(module: str, line: str) -> Callable[[Callable[[Build], None]], Rule]:
    """Turn a function into the rule for a line of a contract.

    Parameters
    ----------
    module : str
        Where the line stands, as ``package.module``.
    line : str
        Text of the line, or a part of it.

    Examples
    --------
    >>> @rule("imbalance_derm.losses.contract", "Return one loss value per example.")
    ... def one_value_per_example(build):
    ...     fail("it returns a scalar")
    >>> one_value_per_example.contract.split(":")[2].strip()
    'Return one loss value per example.'
    """
    return lambda examine: Rule(module, line, examine)


def line_number(module: str, line: str) -> int:
    """Return the number of the first line of the module's file that has the text; 0 if none has.

    Nothing is imported but the packages around the module.
    """
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        return 0
    lines = Path(spec.origin).read_text(encoding="utf-8").splitlines()
    return next((number for number, text in enumerate(lines, 1) if line in text), 0)


def require(condition: bool, reason: str) -> None:
    """Raise AssertionError with `reason` unless `condition` holds.

    Unlike ``assert`` it holds under ``python -O``, too.
    """
    if not condition:
        fail(reason)


def fail(reason: str) -> NoReturn:
    """Raise AssertionError with `reason`."""
    raise AssertionError(reason)
