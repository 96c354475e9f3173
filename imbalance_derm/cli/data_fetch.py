"""``imbderm data fetch``: bring a public data set here, under its licence."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from imbalance_derm.cli.options import verbosity_options
from imbalance_derm.cli.verbosity import is_quiet

if TYPE_CHECKING:
    from imbalance_derm.data.fetch.catalogue import Entry

_INTERRUPTED = 130


def _names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from imbalance_derm.data.fetch.catalogue import entries

    return [
        CompletionItem(name, help=entry.title)
        for name, entry in entries().items()
        if name.startswith(incomplete)
    ]


@click.command()
@click.argument("name", metavar="[NAME]", default="", shell_complete=_names)
@click.option(
    "--to",
    "root",
    metavar="DIR",
    type=click.Path(path_type=Path),
    envvar="IMBDERM_DATA",
    default="data",
    show_default=True,
    help="Folder that holds the data sets' folders; the set gets one of its own in it.",
)
@click.option("--accept-licence", is_flag=True, help="Accept the data set's licence unasked.")
@verbosity_options
@click.pass_context
def fetch(ctx: click.Context, name: str, root: Path, accept_licence: bool) -> None:
    """Fetch a public data set, or list those that can be fetched.

    The licence is shown and has to be accepted. A download that was stopped goes on with the
    same command. Files are verified and unpacked before the set's folder appears.

    \b
    Examples:
      imbderm data fetch
      imbderm data fetch isic2016 --to data/
      imbderm data fetch ham10000 --to data/ --accept-licence
    """  # noqa: D301 (click wants a backspace)
    from imbalance_derm.cli.fetch_progress import transfers
    from imbalance_derm.data.fetch.catalogue import entries, find_entry
    from imbalance_derm.data.fetch.fetch import fetch as bring
    from imbalance_derm.data.fetch.fetch import is_there

    if name not in entries():
        _list()
        if name:
            find_entry(name)
        return
    entry = find_entry(name)
    if is_there(entry, root):
        there = f"{name} is there already: {root / name}; nothing fetched. To fetch it anew, move "
        click.echo(root / name if is_quiet() else f"{there}that folder away")
        return
    try:
        _agree(entry, accept_licence)
        with transfers() as progress:
            folder = bring(entry, root, progress)
    except (KeyboardInterrupt, click.Abort):
        command = shlex.join(["imbderm", *sys.argv[1:]])
        click.echo(f"Error: interrupted; go on with: {command}", err=True)
        ctx.exit(_INTERRUPTED)
    _tell(entry, root, folder)


def _list() -> None:
    from rich.filesize import decimal

    from imbalance_derm.cli.columns import columns
    from imbalance_derm.data.fetch.catalogue import entries

    rows = [
        (name, str(e.images), decimal(e.size), e.licence.name, e.title)
        for name, e in entries().items()
    ]
    columns(("NAME", "IMAGES", "DOWNLOAD", "LICENCE", "TITLE"), rows)


def _agree(entry: Entry, accepted: bool) -> None:
    """Show the licence; ask for a yes where someone can give it."""
    from rich.filesize import decimal

    from imbalance_derm.errors import InputError

    licence = entry.licence
    if not accepted and not sys.stdin.isatty():
        raise InputError(
            f"{entry.name} is under {licence.name}, {licence.url}: read it, and accept it with "
            "--accept-licence"
        )
    if accepted and is_quiet():
        return
    for title, text in (
        ("Data set", entry.title),
        ("Size", f"{entry.images} images, about {decimal(entry.size)} to download"),
        ("From", entry.homepage),
        ("Licence", f"{licence.name}. {licence.gist}"),
        ("", licence.url),
        ("Cite", entry.citation),
    ):
        click.echo(f"{title:<9} {text}", err=True)
    if not accepted and not click.confirm("Do you accept the licence?", err=True):
        raise InputError(f"the licence of {entry.name} was not accepted; nothing fetched")


def _tell(entry: Entry, root: Path, folder: Path) -> None:
    from imbalance_derm.data.fetch.fetch import RECORD

    if is_quiet():
        click.echo(folder)
        return
    click.echo(f"{entry.name}: {folder}")
    bare = [file.name for file in entry.files if not file.checksum]
    if bare:
        click.echo(
            f"The publisher gives no checksum for {len(bare)} of {len(entry.files)} files; their "
            f"sha256 is recorded in {folder / RECORD}"
        )
    click.echo("Next:")
    for command in entry.then:
        click.echo("  " + command.format(root=shlex.quote(str(root))))
