"""What a suite shows while it is computed: running stages, time left, failures, best so far."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median

import click
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from imbalance_derm.cli.progress import TITLES
from imbalance_derm.cli.verbosity import is_quiet
from imbalance_derm.experiment.record import RECORD_FILE, Record
from imbalance_derm.report.summary import LOWER_IS_BETTER, headline_metrics, title_of
from imbalance_derm.suite.durations import Durations
from imbalance_derm.suite.heartbeat import Heartbeat, heartbeats
from imbalance_derm.suite.order import estimate
from imbalance_derm.suite.task import Outcome, Task

LINE_EVERY = 30.0
"""Seconds between plain lines where nothing ends."""


def spoken(seconds: float) -> str:
    """Return a time as people say it.

    Examples
    --------
    >>> spoken(42), spoken(200), spoken(9000)
    ('42 s', '3 min', '2 h 30 min')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


@contextmanager
def planning(title: str) -> Iterator[Callable[[int, int], None]]:
    """Yield what is told how far something is that comes before the suite."""
    console = Console(stderr=True)
    disable = is_quiet() or not console.is_terminal
    with Progress(console=console, transient=True, disable=disable) as bars:
        bar = bars.add_task(title, total=None)
        yield lambda done, total: bars.update(bar, completed=done, total=total)


@contextmanager
def watching(tasks: Sequence[Task], durations: Durations, jobs: int, metric: str) -> Iterator[View]:
    """Yield the view of a suite; it is a live table, or plain lines where no one watches."""
    console = Console(stderr=True, highlight=False)
    view = View(tasks, durations, jobs, metric)
    if is_quiet() or not console.is_terminal:
        view.tell = (lambda text: None) if is_quiet() else lambda text: click.echo(text, err=True)
        yield view
        return
    with Live(view, console=console, refresh_per_second=2) as live:
        view.tell = lambda text: live.console.print(text, markup=False)
        yield view


class View:
    """The state of a suite under way."""

    def __init__(self, tasks: Sequence[Task], durations: Durations, jobs: int, metric: str) -> None:
        self.session_folder = tasks[0].session_folder
        self.left = {task.key: task for task in tasks}
        self.total = len(tasks)
        self.durations = durations
        self.taken: dict[str, list[float]] = {}
        self.jobs = jobs
        self.metric = metric
        self.failures = 0
        self.best: tuple[float, str] | None = None
        self.started = self.said = time.monotonic()
        self.running: list[Heartbeat] = []
        self.left_text = f"{self.total} waiting"
        self.tell: Callable[[str], None] = lambda text: None

    def ended(self, task: Task, outcome: Outcome) -> None:
        """Note the end of a task; runs and what went wrong are told."""
        del self.left[task.key]
        done = f"[{self.total - len(self.left)}/{self.total}]"
        if outcome.status == "done":
            if task.run:
                self._compare(task)
            if task.run or outcome.computed:
                # What this machine takes today counts, not what was known before.
                own = self.taken.setdefault(task.likeness, [])
                own.append(outcome.seconds)
                self.durations = self.durations.expecting({task.likeness: median(own)})
                self._say(f"{done} {task.title}: {spoken(outcome.seconds)}")
        elif task.run:
            self.failures += 1
            where = f" at {outcome.stage}" if outcome.stage else ""
            self._say(f"{done} {task.title}: {outcome.status}{where}: {outcome.reason}")

    def refresh(self) -> None:
        """Look at what the workers are at."""
        found = heartbeats(self.session_folder)
        self.running = [beat for beat in found if beat.key in self.left]
        # Not when it is drawn: that is another thread, and tasks end meanwhile.
        self.left_text = self._left()
        if time.monotonic() - self.said > LINE_EVERY:
            at = "; ".join(f"{beat.title}: {_doing(beat)}" for beat in self.running)
            self._say(f"  {self.left_text}; {at}" if at else f"  {self.left_text}")

    def __rich__(self) -> RenderableType:
        table = Table.grid(padding=(0, 2))
        for beat in self.running[: 2 * self.jobs]:
            table.add_row(beat.title, _doing(beat), _time_left(beat))
        bar = Progress(
            TextColumn("{task.description}"), BarColumn(bar_width=30),
            TextColumn("{task.completed}/{task.total} stages"), TimeElapsedColumn(),
        )  # fmt: skip
        number = bar.add_task("Suite", total=self.total, completed=self.total - len(self.left))
        bar.tasks[number].start_time = bar.get_time() - (time.monotonic() - self.started)
        lines = [self.left_text]
        if self.failures:
            lines.append(f"{self.failures} without a result")
        if self.best is not None:
            lines.append(f"best on validation so far: {self.best[1]}")
        return Group(table, bar, "; ".join(lines))

    def _compare(self, task: Task) -> None:
        text = (task.run_folder / RECORD_FILE).read_text(encoding="utf-8")
        record = Record.from_json(text, task.run)
        metric = self.metric or headline_metrics(len(record.data["classes"]) == 2)[0]
        figure = record.metrics["validation"].get(metric)
        if figure is None:
            return
        rank = -figure.value if metric in LOWER_IS_BETTER else figure.value
        if self.best is None or rank > self.best[0]:
            self.best = rank, f"{task.run} ({title_of(metric)} {figure.value:.3f})"

    def _left(self) -> str:
        waiting = f"{len(self.left) - len(self.running)} waiting"
        new = [task for key, task in self.left.items() if key not in self.durations.finished]
        expected = estimate(new, self.durations, self.jobs, self._under_way())
        if expected.unknown == len(new):
            return waiting
        unknown = f", {expected.unknown} stages of unknown length" if expected.unknown else ""
        return f"{waiting}, about {spoken(expected.wall)} left{unknown}"

    def _under_way(self) -> dict[str, float | None]:
        """Return what is left of each running task, as far as it can be told."""
        now, found = time.time(), dict[str, float | None]()
        for beat in self.running:
            expected = self.durations.expected(self.left[beat.key])
            left = None if expected is None else max(0.0, expected - (now - beat.began))
            found[beat.key] = _seconds_left(beat) if beat.done else left
        return found

    def _say(self, text: str) -> None:
        self.said = time.monotonic()
        self.tell(text)


def _doing(beat: Heartbeat) -> str:
    stage = TITLES.get(beat.stage, beat.stage) or "begin"
    return f"{stage} {beat.done}/{beat.total}" if beat.total else stage


def _time_left(beat: Heartbeat) -> str:
    if not beat.done or beat.done >= beat.total:
        return ""
    return f"{spoken(_seconds_left(beat))} left"


def _seconds_left(beat: Heartbeat) -> float:
    """Return what is left of a stage that has told of its progress."""
    spent = time.time() - beat.began
    return spent / beat.done * max(0, beat.total - beat.done)
