"""``imbderm data``: fetch images, and look at them before anything is trained on them."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from imbalance_derm.cli.completion import components
from imbalance_derm.cli.data_fetch import fetch
from imbalance_derm.cli.options import verbosity_options
from imbalance_derm.cli.verbosity import bars_wanted

PICTURES_PER_CLASS = 10
MOST_SUSPECTS = 48
_SHOW_AFTER = 2.0


@click.group()
def data() -> None:
    """Fetch a data set, or look at one before a run."""


data.add_command(fetch)


@data.command()
@click.argument(
    "name", metavar="[PATH|NAME]", default="phantom", shell_complete=components("dataset")
)
@click.option(
    "--data-root",
    metavar="DIR",
    type=click.Path(),
    envvar="IMBDERM_DATA",
    help="Folder that holds the data sets' folders.",
)
@click.option(
    "--set",
    "settings",
    metavar="data.KEY=VALUE",
    multiple=True,
    help="A parameter of the data set, such as data.label_column=diagnosis; repeatable.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.html",
    help="Also write a page with a contact sheet and the suspicious pairs.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one object and nothing else.")
@verbosity_options
def inspect(
    name: str, data_root: str | None, settings: tuple[str, ...], out: Path | None, as_json: bool
) -> None:
    """Count, measure and compare every image of a folder, a csv file or a known data set.

    Says which files a run would stop at, which images occur twice or under two labels, and what
    leaks from one split into another. Findings are no errors: the exit code is 0.

    \b
    Examples:
      imbderm data inspect photos/
      imbderm data inspect list.csv --set data.label_column=diagnosis --out look.html
      imbderm data inspect ham10000 --data-root data/ --json
    """  # noqa: D301 (click wants a backspace)
    from imbalance_derm.data.findings import findings
    from imbalance_derm.data.inspection import inspect as look
    from imbalance_derm.errors import InputError
    from imbalance_derm.experiment.settings import merge, parse_setting, resolve_data
    from imbalance_derm.registry.parameters import create

    tree: dict[str, Any] = {}
    for text in settings:
        tree = merge(tree, parse_setting(text))
        if set(tree) != {"data"}:
            raise InputError(f"--set {text}: only settings of the data set count here, data.KEY")
    given = {"name": name} if data_root is None else {"name": name, "root": data_root}
    section = resolve_data(merge(tree, {"data": given}))
    dataset = create("dataset", section.name, section.parameters)
    if dataset.needs_root and not section.root:
        raise InputError(f"data set {name} needs --data-root FOLDER, the folder that holds it")
    root = Path(section.root) if dataset.needs_root else None
    if root is not None and not root.exists():
        raise InputError(f"--data-root {root}: no such file or folder")
    with _bars() as progress:
        found = look(dataset, name, root, progress)
    lines = findings(found, section.validation, section.test, section.split_seed)
    if out is not None:
        from imbalance_derm.cli.data_outcome import write

        write(out, dataset, found, lines, shlex.join(["imbderm", *sys.argv[1:]]))
    if as_json:
        rows = [{"level": x.level, "text": x.text, "advice": x.advice} for x in lines]
        click.echo(json.dumps({**found.as_dict(), "findings": rows}, indent=2, ensure_ascii=False))
        return
    from imbalance_derm.cli.data_outcome import show

    show(found, lines, out)


@contextmanager
def _bars() -> Iterator[Callable[[str, int, int], None]]:
    """Yield ``progress(what, done, total)``: bars with the time left, once 2 s have passed."""
    import time

    from rich.console import Console
    from rich.progress import Progress, TaskID

    titles = {"read": "Read images", "compare": "Compare images"}
    console = Console(stderr=True)
    started = time.monotonic()
    tasks: dict[str, TaskID] = {}
    with Progress(console=console, disable=not bars_wanted(), transient=True) as bars:

        def progress(what: str, done: int, total: int) -> None:
            if what not in tasks:
                if time.monotonic() - started < _SHOW_AFTER:
                    return
                tasks[what] = bars.add_task(titles[what], total=total)
            bars.update(tasks[what], completed=done, total=total)

        yield progress
