"""What a run shows while it works: bars with time left, or plain lines where no one watches."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from imbalance_derm.experiment.events import (
    Event,
    Listener,
    StageFinished,
    StageProgress,
    StageStarted,
)

TITLES = {
    "decode": "Decode images",
    "fit": "Fit synthesizer",
    "sample": "Sample images",
    "embed": "Embed images",
    "train": "Train classifier",
    "evaluate": "Evaluate",
}
LINE_EVERY = 30.0
"""Seconds between plain lines of one stage."""


@contextmanager
def live() -> Iterator[tuple[Listener, Callable[[str], None]]]:
    """Yield a listener and a place for warnings; everything goes to standard error."""
    from rich.console import Console

    console = Console(stderr=True)

    def warn(text: str) -> None:
        console.print(f"Warning: {text}", style="yellow", markup=False, highlight=False)

    if not console.is_terminal:
        yield _lines, warn
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        SpinnerColumn(finished_text="[green]✓"),
        TextColumn("{task.description:<18}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[figures]}", style="dim"),
    )
    with Progress(*columns, console=console) as bars:
        yield _Bars(bars), warn


class _Bars:
    def __init__(self, bars: object) -> None:
        from rich.progress import Progress

        assert isinstance(bars, Progress)
        self.bars = bars
        self.task = self._add("Load")

    def _add(self, title: str) -> object:
        return self.bars.add_task(title, total=None, figures="")

    def __call__(self, event: Event) -> None:
        from rich.progress import TaskID

        task = TaskID(int(str(self.task)))
        if isinstance(event, StageStarted):
            self._finish(task)
            self.task = self._add(_title(event.stage))
        elif isinstance(event, StageProgress):
            self.bars.update(
                task, completed=event.done, total=event.total, figures=_figures(event.figures)
            )
        elif isinstance(event, StageFinished) and event.entry.cached:
            self._finish(task)
            self.task = self._add(_title(event.entry.stage))
            self.bars.update(TaskID(int(str(self.task))), total=1, completed=1, figures="cached")
        elif isinstance(event, StageFinished):
            self._finish(task)

    def _finish(self, task: object) -> None:
        from rich.progress import TaskID

        task_id = TaskID(int(str(task)))
        known = next(t for t in self.bars.tasks if t.id == task_id)
        total = known.total or 1
        self.bars.update(task_id, total=total, completed=total)


_last_line = {"at": 0.0}


def _lines(event: Event) -> None:
    if isinstance(event, StageStarted):
        _last_line["at"] = time.monotonic()
        click.echo(f"{_title(event.stage)} ...", err=True)
    elif isinstance(event, StageProgress):
        if time.monotonic() - _last_line["at"] > LINE_EVERY:
            _last_line["at"] = time.monotonic()
            figures = _figures(event.figures)
            click.echo(f"  {_title(event.stage)}: {event.done}/{event.total} {figures}", err=True)
    elif isinstance(event, StageFinished):
        did = "found in the cache" if event.entry.cached else f"{event.entry.seconds:.1f} s"
        click.echo(f"{_title(event.entry.stage)}: {did}", err=True)


def _title(stage: str) -> str:
    return TITLES.get(stage, stage)


def _figures(figures: dict[str, float]) -> str:
    return "  ".join(f"{name} {value:.3f}" for name, value in figures.items())
