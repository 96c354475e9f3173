"""How far a download is: a bar with the time left, or plain lines where no one watches."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from imbalance_derm.cli.progress import LINE_EVERY
from imbalance_derm.cli.verbosity import bars_wanted, is_quiet


@contextmanager
def transfers() -> Iterator[Callable[[str, int, int], None]]:
    """Yield ``progress(what, done, total)`` in bytes; everything goes to standard error."""
    if is_quiet():
        yield lambda what, done, total: None
        return
    if not bars_wanted():
        yield _Lines()
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(compact=True),
    )
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=Console(stderr=True)) as bars:

        def progress(what: str, done: int, total: int) -> None:
            # What is there from an earlier call must not count as speed: `completed` at the start.
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total or None, completed=done)
            bars.update(tasks[what], completed=done, total=total or None)

        yield progress


class _Lines:
    """A line when a file begins, and one now and then with the time left."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.what = ""

    def __call__(self, what: str, done: int, total: int) -> None:
        now = self.clock()
        if what != self.what:
            self.what, self.began, self.first, self.last = what, now, done, now
            size = f" ({decimal(total)})" if total else ""
            there = f", {decimal(done)} of it here already" if done else ""
            click.echo(f"{what}{size}{there} ...", err=True)
        elif now - self.last >= LINE_EVERY:
            self.last = now
            rate = (done - self.first) / (now - self.began)
            left = f", {_time((total - done) / rate)} left" if total and rate > 0 else ""
            of = f" of {decimal(total)}" if total else ""
            click.echo(f"  {decimal(done)}{of}{left}", err=True)


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
