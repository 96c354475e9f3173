"""``imbderm bench``: carry out a suite of runs."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

import click

from imbalance_derm.cli.options import verbosity_options

EXECUTORS = ("local", "ray", "slurm")


@click.command()
@click.argument("suite", metavar="SUITE.toml", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder of the suite's runs and leaderboard.  [default: runs/NAME]",
)
@click.option(
    "--data-root",
    metavar="DIR",
    type=click.Path(),
    envvar="IMBDERM_DATA",
    help="Folder that holds the data sets' folders.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1),
    help="Stages at a time.  [default: as many as the cores bear; with a GPU, as fit on it]",
)
@click.option(
    "--executor",
    type=click.Choice(EXECUTORS),
    default="local",
    show_default=True,
    help="Processes on this machine, tasks of a Ray cluster, or jobs of Slurm.",
)
@click.option("--address", help="Of a running Ray cluster; by default one is started here.")
@click.option(
    "--set",
    "settings",
    metavar="KEY=VALUE",
    multiple=True,
    help="Setting of every run, such as train.updates=100; wins over the suite; repeatable.",
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Show what would be computed; long stages are started for seconds, to time them.",
)
@verbosity_options
def bench(
    suite: Path,
    out: Path | None,
    data_root: str | None,
    jobs: int | None,
    executor: str,
    address: str | None,
    settings: tuple[str, ...],
    dry_run: bool,
) -> int:
    """Carry out every run of SUITE.toml; what several runs share is computed once.

    Interrupted or killed, the same command goes on where it was. The leaderboard of the suite is
    a page in its folder.

    \b
    Examples:
      imbderm bench benchmarks/suites/demo.toml --dry-run
      imbderm bench benchmarks/suites/melanet_cpu.toml --data-root DIR
    """  # noqa: D301 (click wants a backspace)
    from imbalance_derm.cli import bench_outcome
    from imbalance_derm.cli.bench_view import planning, watching
    from imbalance_derm.experiment.settings import merge, parse_setting
    from imbalance_derm.pipeline.experiment import cache_folder
    from imbalance_derm.suite.durations import known_durations
    from imbalance_derm.suite.executors import find_executor
    from imbalance_derm.suite.folder import claim, describe, lay_out
    from imbalance_derm.suite.grid import grid
    from imbalance_derm.suite.order import in_order
    from imbalance_derm.suite.runner import carry_out
    from imbalance_derm.suite.suite import read_suite
    from imbalance_derm.suite.task import Resources

    if address is not None and executor != "ray":
        raise click.UsageError("--address is for --executor ray")
    asked = read_suite(suite)
    budget = asked.budget
    resources = Resources(budget.threads, budget.gpus, budget.memory_gb)
    common: dict[str, Any] = (
        {"data": {"root": str(Path(data_root).absolute())}} if data_root else {}
    )
    for text in settings:
        common = merge(common, parse_setting(text))
    folder, cache = out or Path("runs") / asked.name, cache_folder()
    command = shlex.join(["imbderm", *sys.argv[1:]])
    cells = grid(asked, common)
    with planning("Plan") as progress:
        from imbalance_derm.suite.plan import default_jobs, plan

        todo = plan(asked, cells, folder, cache, command, progress)
        jobs = jobs or default_jobs(budget)
    durations = known_durations(cache)
    tasks = in_order(todo.tasks, durations)
    if dry_run:
        from imbalance_derm.suite.probe import probed

        with planning("Start long stages to time them"):
            durations = probed(tasks, durations)
        bench_outcome.show_plan(asked, cells, todo, tasks, durations, jobs)
        return 0
    claim(folder, asked)
    try:
        describe(asked, cells, folder)
        lay_out(todo, folder)
        if tasks:
            options = {**asked.slurm, "address": address} if address else asked.slurm
            with (
                watching(tasks, durations, jobs, asked.metric) as view,
                find_executor(executor)(jobs, resources, options) as workers,
            ):
                carry_out(tasks, workers, resources, view.ended, view.refresh)
        return bench_outcome.show_results(folder, cells, asked.metric)
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(command) from error
    finally:
        for task in tasks[:1]:
            shutil.rmtree(task.session_folder, ignore_errors=True)
