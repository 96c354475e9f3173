"""How much a command says: quiet, normal or verbose, asked for before or after its name."""

from __future__ import annotations

import logging
import os
import sys
from enum import Enum

import click

_KEY = "imbalance_derm.verbosity"


class Verbosity(Enum):
    """What goes to the screen beside errors."""

    QUIET = "--quiet"
    """Only the result: a path, JSON, or what was asked to be listed."""
    NORMAL = ""
    """Progress, warnings and a result for people."""
    VERBOSE = "--verbose"
    """Also each stage's key and what libraries warn of and log."""


def verbosity() -> Verbosity:
    """Return what the running command was asked for."""
    context = click.get_current_context(silent=True)
    return context.meta.get(_KEY, Verbosity.NORMAL) if context else Verbosity.NORMAL


def is_quiet() -> bool:
    """Tell whether only the result is wanted."""
    return verbosity() is Verbosity.QUIET


def bars_wanted() -> bool:
    """Tell whether a person watches who wants moving bars.

    FORCE_COLOR does not count: it must put no moving bars into a log.
    """
    dumb = os.environ.get("TERM") in ("dumb", "unknown")
    return verbosity() is Verbosity.NORMAL and sys.stderr.isatty() and not dumb


def set_verbosity(context: click.Context, asked: Verbosity) -> None:
    """Note what was asked for, for this command and those below it.

    Raises
    ------
    UsageError
        The other one was asked for, too.
    """
    if context.meta.setdefault(_KEY, asked) is not asked:
        raise click.UsageError("--quiet and --verbose exclude each other; choose one")
    set_up_logging()


def set_up_logging() -> None:
    """Show what libraries warn of and log where that is wanted, else their errors only."""
    verbose = verbosity() is Verbosity.VERBOSE
    if verbose:
        logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    # Above the handlers that libraries bring along; a user's own `python -W` still counts.
    logging.disable(logging.NOTSET if verbose else logging.WARNING)
    logging.captureWarnings(not sys.warnoptions)
