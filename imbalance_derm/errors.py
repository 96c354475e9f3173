"""The two ways in which a command can end badly, each told in one line."""

from __future__ import annotations


class ImbdermError(Exception):
    """Base of every error whose text is written for the user.

    The text is one line: what is wrong, where, and what to do next.
    """

    exit_code = 1


class RunError(ImbdermError):
    """The request was sound, but the run could not be carried out (exit 1)."""


class InputError(ImbdermError):
    """The user's input or usage has to change before this can work (exit 2)."""

    exit_code = 2
