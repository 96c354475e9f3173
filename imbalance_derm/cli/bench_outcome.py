"""What a suite shows before and after it is computed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from imbalance_derm.cli.bench_view import spoken
from imbalance_derm.cli.verbosity import is_quiet
from imbalance_derm.pipeline.steps import RUN
from imbalance_derm.suite.durations import Durations
from imbalance_derm.suite.grid import Cell
from imbalance_derm.suite.layout import RUNS
from imbalance_derm.suite.order import estimate
from imbalance_derm.suite.plan import Plan
from imbalance_derm.suite.suite import Suite
from imbalance_derm.suite.task import Task


def show_plan(
    suite: Suite,
    cells: Sequence[Cell],
    plan: Plan,
    tasks: Sequence[Task],
    durations: Durations,
    jobs: int,
) -> None:
    """Print the grid, the stages that will be computed, and how long they will take."""
    console = Console(highlight=False)
    runs = f"{len(cells)} runs: {len(plan.finished)} finished, {len(plan.failures)} left out"
    console.print(f"Suite {suite.name}, {runs}", markup=False)
    _table(console, "axis", "values", _values(cells))
    reasons = Counter(failure.reason for failure in plan.failures.values())
    if reasons:
        _table(console, "runs left out", "why", {str(n): reason for reason, n in reasons.items()})
    stages: dict[str, list[Task]] = defaultdict(list)
    for task in tasks:
        stages[task.stage].append(task)
    table = Table("stage", "asked for", "distinct", "to compute", "expected", box=None)
    for stage, same in stages.items():
        wanted = len(plan.planned) if stage == RUN else _asked(stage, same, plan)
        new = [task for task in same if task.key not in durations.finished]
        expected = [durations.expected(task) for task in new]
        known = [seconds for seconds in expected if seconds is not None]
        unknown = len(expected) - len(known)
        text = spoken(sum(known)) if known else ""
        text += f" + {unknown} unknown" if unknown else ""
        table.add_row(stage, str(wanted), str(len(same)), str(len(new)), text)
    console.print(table)
    left = [task for task in tasks if task.key not in durations.finished]
    found = estimate(left, durations, jobs)
    rest = f", and {found.unknown} short stages that were not timed" if found.unknown else ""
    console.print(
        f"About {spoken(found.wall)} with {jobs} at a time ({spoken(found.work)} of work){rest}"
    )


def show_results(folder: Path, cells: Sequence[Cell], metric: str) -> int:
    """Write the leaderboard, print it, and return the exit code: 1 where a run failed.

    Raises
    ------
    RunError
        No run of the suite has a record.
    """
    from imbalance_derm.benchmark.json_format import to_json
    from imbalance_derm.benchmark.leaderboard import leaderboard
    from imbalance_derm.benchmark.site import write_site
    from imbalance_derm.benchmark.terminal import to_table
    from imbalance_derm.errors import RunError
    from imbalance_derm.experiment.failure import FAILURE_FILE, find_failures
    from imbalance_derm.experiment.files import write_text
    from imbalance_derm.experiment.record import RECORD_FILE

    runs = [folder / RUNS / cell.name for cell in cells]
    left = [run for run in runs if (run / FAILURE_FILE).is_file()]
    failures = [failure for _, failure in find_failures(left)]
    if not any((run / RECORD_FILE).is_file() for run in runs):
        why = f"; the first: {failures[0].reason}" if failures else ""
        raise RunError(f"no run of the suite gave a result{why}")
    boards = leaderboard([folder], metric or None)
    write_text(folder / "leaderboard.json", to_json(boards))
    page = write_site(boards, folder / "leaderboard").resolve()
    failed = sum(failure.status != "refused" for failure in failures)
    if is_quiet():
        click.echo(page)
        return int(failed > 0)
    console = Console(highlight=False)
    for board in boards:
        console.print(to_table(board, console.width))
    console.print(f"Leaderboard: {page}", soft_wrap=True, style=f"link {page.as_uri()}")
    if failed:
        console.print(f"{failed} of {len(cells)} runs gave no result; the same command tries again")
    return int(failed > 0)


def _values(cells: Sequence[Cell]) -> dict[str, str]:
    values: dict[str, dict[str, None]] = defaultdict(dict)
    for cell in cells:
        for axis, value in cell.axes.items():
            values[axis][value] = None
    return {axis: ", ".join(each) for axis, each in values.items()}


def _asked(stage: str, same: Sequence[Task], plan: Plan) -> int:
    """Count the runs that go through these tasks of a stage."""
    keys = {task.key for task in same}
    count = 0
    for last in (task for task in plan.tasks.values() if task.stage == RUN):
        reached, todo = set(), list(last.needs)
        while todo:
            key = todo.pop()
            if key not in reached:
                reached.add(key)
                todo += plan.tasks[key].needs
        count += len(keys & reached)
    return count


def _table(console: Console, left: str, right: str, rows: dict[str, str]) -> None:
    table = Table(left, right, box=None)
    for key, value in rows.items():
        table.add_row(key, value)
    console.print(table)
