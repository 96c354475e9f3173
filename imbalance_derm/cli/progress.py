"""What a run shows while it works: bars with time left, or plain lines where no one watches.

Nothing with ``--quiet``; lines with each stage's key with ``--verbose``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from imbalance_derm.cli.verbosity import Verbosity, bars_wanted, verbosity
from imbalance_derm.experiment.events import (
    Event,
    Listener,
    RunFinished,
    RunStarted,
    StageFinished,
    StageProgress,
    StageStarted,
    StageWaits,
)

TITLES = {
    "decode": "Decode images",
    "fit": "Fit synthesizer",
    "sample": "Sample images",
    "embed": "Embed images",
    "train": "Train classifier",
    "evaluate": "Evaluate",
    "masks": "Decode masks",
    "audit": "Audit samples",
    "export": "Write images",
    "report": "Write report",
}
LINE_EVERY = 30.0
"""Seconds between plain lines of one stage."""


@contextmanager
def live() -> Iterator[tuple[Listener, Callable[[str], None]]]:
    """Yield a listener and a place for warnings; everything goes to standard error."""
    level = verbosity()
    if level is Verbosity.QUIET:
        yield _nothing, _nothing
        return
    console = Console(stderr=True)

    def warn(text: str) -> None:
        console.print(f"Warning: {text}", style="yellow", markup=False, highlight=False)

    if not bars_wanted():
        yield _Lines(level is Verbosity.VERBOSE), warn
        return
    columns = (
        SpinnerColumn(finished_text="[green]✓"),
        TextColumn("{task.description:<18}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[figures]}", style="dim"),
    )
    with Progress(*columns, console=console) as progress:
        bars = _Bars(progress)
        yield bars, warn
        bars.finish()


def _nothing(told: object) -> None:
    pass


class _Bars:
    """One bar for each stage; the last one is running."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.task = self._add("Load")

    def __call__(self, event: Event) -> None:
        if isinstance(event, StageStarted):
            self.finish()
            self.task = self._add(_title(event.stage))
        elif isinstance(event, StageWaits):
            self.progress.update(self.task, figures=_waits(event))
        elif isinstance(event, StageProgress):
            figures = _figures(event.figures)
            self.progress.update(
                self.task, completed=event.done, total=event.total, figures=figures
            )
        elif isinstance(event, StageFinished):
            self.finish()
            if event.entry.cached:
                self.task = self._add(_title(event.entry.stage))
                self.finish("found in the cache")

    def finish(self, figures: str | None = None) -> None:
        """Fill the running bar."""
        total = next(task.total for task in self.progress.tasks if task.id == self.task) or 1
        self.progress.update(self.task, total=total, completed=total)
        if figures is not None:
            self.progress.update(self.task, figures=figures)

    def _add(self, title: str) -> TaskID:
        return self.progress.add_task(title, total=None, figures="")


class _Lines:
    """A line at each stage's start and end, and one now and then in between."""

    def __init__(self, verbose: bool) -> None:
        self.verbose = verbose
        self.last = self.began = 0.0

    def __call__(self, event: Event) -> None:
        if isinstance(event, StageStarted):
            self.began = time.monotonic()
            self._line(f"{_title(event.stage)} ...{self._key(event.stage, event.key)}")
        elif isinstance(event, StageWaits):
            self._line(f"  {_waits(event)}")
        elif isinstance(event, StageProgress):
            if time.monotonic() - self.last > LINE_EVERY:
                figures = _figures(event.figures)
                self._line(f"  {_title(event.stage)}: {event.done}/{event.total} {figures}")
        elif isinstance(event, StageFinished):
            entry = event.entry
            seconds = f"{entry.seconds:.1f} s"
            did = "found in the cache" if entry.cached else seconds
            if self.verbose:
                did = f"{did}, computed in {seconds}" if entry.cached else f"computed in {seconds}"
            self._line(f"{_title(entry.stage)}: {did}{self._key(entry.stage, entry.key)}")
        elif isinstance(event, RunStarted) and self.verbose:
            self._line(f"Run {event.name}: begins in {event.folder}")
        elif isinstance(event, RunFinished) and self.verbose:
            self._line(f"{_title('report')}: {time.monotonic() - self.began:.1f} s")
            self._line(f"Run {event.record.name}: {event.record.seconds:.1f} s before its report")

    def _key(self, stage: str, key: str) -> str:
        """Return where the stage is in the cache; the report is in none."""
        return f"  [{stage}/{key}]" if self.verbose and key else ""

    def _line(self, text: str) -> None:
        self.last = time.monotonic()
        click.echo(text.rstrip(), err=True)


def _waits(event: StageWaits) -> str:
    return f"another process is at: {_title(event.stage)}; waiting for it"


def _title(stage: str) -> str:
    return TITLES.get(stage, stage)


def _figures(figures: dict[str, float]) -> str:
    return "  ".join(f"{name} {value:.3f}" for name, value in figures.items())
