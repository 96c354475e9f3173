"""What a worker does with a task, whatever executor it came through."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock

from imbalance_derm.errors import ImbdermError, InputError
from imbalance_derm.experiment.events import Event, Listener, StageFinished, StageWaits
from imbalance_derm.experiment.failure import FAILURE_FILE, Failure, write_failure
from imbalance_derm.experiment.files import write_text
from imbalance_derm.experiment.spec import Spec
from imbalance_derm.suite.durations import remember
from imbalance_derm.suite.heartbeat import beating, no_longer
from imbalance_derm.suite.layout import KEY_FILE
from imbalance_derm.suite.task import Outcome, Task, read_outcome, set_aside, write_outcome
from imbalance_derm.suite.time_limit import OutOfTime, time_limit

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""They fix the threads of a process, if they are set before PyTorch is imported."""


def perform(task: Task) -> Outcome:
    """Compute one stage; whatever happens becomes its outcome, and nothing is raised.

    The outcome is written into the session's folder before it is returned, as the tasks that
    need it may run elsewhere. PyTorch is imported after the threads are fixed.
    """
    for variable in THREAD_VARIABLES:
        os.environ[variable] = str(task.threads)
    start = time.perf_counter()
    computed: list[tuple[str, str]] = []
    outcome = _hindrance(task)
    if outcome is None:
        with ExitStack() as stack:
            beat = stack.enter_context(beating(task.session_folder, task.key, task.title))

            def listen(event: Any) -> None:
                if isinstance(event, StageFinished) and not event.entry.cached:
                    computed.append((event.entry.stage, event.entry.key))
                beat(event)

            outcome = _attempt(task, listen)
    seconds = time.perf_counter() - start
    outcome = Outcome(outcome.status, outcome.stage, outcome.reason, seconds, tuple(computed))
    if outcome.status == "done":
        with suppress(OSError):  # it is for estimates only
            remember(task, outcome)
    elif task.run:
        _leave_failure(task, outcome)
    write_outcome(task, outcome)
    return outcome


def give_up(task: Task, reason: str) -> Outcome:
    """Leave the outcome of a task whose worker did not live to tell it."""
    outcome = Outcome("failed", task.stage, reason)
    no_longer(task.session_folder, task.key)
    with suppress(OSError):  # a full disk: the tasks that need it find no outcome, and say so
        if task.run:
            _leave_failure(task, outcome)
        write_outcome(task, outcome)
    return outcome


def _leave_failure(task: Task, outcome: Outcome) -> None:
    assert outcome.status != "done"
    failure = Failure(task.run, task.spec, outcome.status, outcome.stage, outcome.reason)
    write_failure(task.run_folder, failure)


def _hindrance(task: Task) -> Outcome | None:
    """Return the outcome of a task whose needs are not met."""
    for key in task.needs:
        needed = read_outcome(task, key)
        if needed is None:
            return Outcome("failed", task.stage, "a stage that it needs ended without a result")
        if needed.status != "done":
            return needed
    return None


def _attempt(task: Task, listen: Listener) -> Outcome:
    try:
        with time_limit(task.seconds) as clock:

            def timed(event: Event) -> None:
                if isinstance(event, StageWaits):
                    clock.pause()  # it is another process that takes its time
                else:
                    clock.resume()
                listen(event)

            _compute(task, timed)
    except InputError as error:
        return Outcome("refused", task.stage, str(error))
    except ImbdermError as error:
        return Outcome("failed", task.stage, str(error))
    except OutOfTime:
        return Outcome("timed out", task.stage, f"took longer than {task.seconds:g} s")
    except (Exception, SystemExit) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        return Outcome("failed", task.stage, reason)
    return Outcome("done")


def _compute(task: Task, listen: Listener) -> None:
    from imbalance_derm.experiment.stages import StageCache
    from imbalance_derm.pipeline.run import run
    from imbalance_derm.pipeline.steps import prepare

    spec, cache = Spec.model_validate(task.spec), Path(task.cache)
    if not task.run:
        prepare(spec, StageCache(cache, listen), task.stage)
        return
    folder = task.run_folder
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        if task.finished:
            return  # another process on the same suite was here first
        set_aside(folder)
        warnings: list[str] = []
        run(spec, folder, cache, task.command, listen, warnings.append)
        if warnings:
            write_text(folder / "warnings.txt", "\n".join(warnings) + "\n")
        (folder / FAILURE_FILE).unlink(missing_ok=True)
        write_text(folder / KEY_FILE, task.key)
