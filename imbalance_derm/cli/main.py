"""The command ``imbderm``: finds the commands, and turns every error into one line."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from importlib import import_module

import click

from imbalance_derm.cli.options import verbosity_options
from imbalance_derm.cli.verbosity import set_up_logging
from imbalance_derm.errors import ImbdermError
from imbalance_derm.version import __version__

COMMANDS = (
    "run",
    "bench",
    "synth",
    "leaderboard",
    "verify",
    "recipes",
    "plugins",
    "data",
    "doctor",
)
INTERRUPTED = 130
DEBUG_VARIABLE = "IMBDERM_DEBUG"


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which a user meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command called `cmd_name`."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"imbalance_derm.cli.{cmd_name}")
        command: click.Command = getattr(module, cmd_name)
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="imbderm")
@verbosity_options
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def imbderm(debug: bool) -> None:
    """Find out, on your own skin-lesion images, which remedy for class imbalance helps."""
    if debug:
        os.environ[DEBUG_VARIABLE] = "1"
    set_up_logging()


def main() -> None:
    """Run the command line; exit 0 done, 1 failed run, 2 bad input, 130 interrupted."""
    try:
        result = imbderm.main(prog_name="imbderm", standalone_mode=False)
    except click.exceptions.Exit as exit_:
        sys.exit(exit_.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(2)
    except click.ClickException as error:
        path = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else ""
        hint = f"; see: {path} --help" if path else ""
        _end(error.format_message().rstrip(".") + hint, 2, error)
    except ImbdermError as error:
        _end(str(error), error.exit_code, error)
    except (KeyboardInterrupt, click.Abort) as error:
        # Click puts an Abort of its own around the interrupt.
        how = str(error.__cause__ or error) or "imbderm run --resume RUN"
        _end(f"interrupted; go on with: {how}", INTERRUPTED, error)
    except OSError as error:
        _end(_of_the_system(error), 1, error)
    except Exception as error:
        text = str(error).splitlines()[0] if str(error) else ""
        _end(
            f"unexpected {type(error).__name__}: {text}; see all with: imbderm --debug ...",
            1,
            error,
        )
    else:
        sys.exit(result if isinstance(result, int) else 0)


def _of_the_system(error: OSError) -> str:
    where = f" at {error.filename}" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return (
            f"no space left{where}; free some, or move the cache with IMBDERM_CACHE=DIR and the "
            "runs with --out DIR, then go on: imbderm run --resume RUN, or the same suite again"
        )
    return f"{(error.strerror or str(error)).lower()}{where}"


def _end(message: str, code: int, error: BaseException) -> None:
    if os.environ.get(DEBUG_VARIABLE):
        traceback.print_exception(error)
    click.echo("Error: " + " ".join(message.split()), err=True)
    sys.exit(code)
