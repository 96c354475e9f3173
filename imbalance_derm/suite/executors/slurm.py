"""Jobs of Slurm, by submitit."""

from __future__ import annotations

import math
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imbalance_derm.errors import InputError
from imbalance_derm.suite.executors.contract import Executor
from imbalance_derm.suite.executors.queue import Entry, Queue
from imbalance_derm.suite.task import Outcome, Resources, Task
from imbalance_derm.suite.work import give_up, perform

JOBS = "slurm"
"""Folder of the suite that holds what was submitted, and the jobs' logs."""

LOOK_EVERY = 0.5
"""Seconds between two looks for results, which are files."""

ASK_EVERY = 10.0
"""Seconds between two questions to Slurm; all jobs are in one."""

TRY_EVERY = 60.0
"""Seconds until a job is submitted again that was refused while others are in flight."""

MARGIN_MINUTES = 5
"""What a job gets beyond its task's own limit, to start and to tell its end."""

_OVER = {
    *("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE"),
    *("FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "TIMEOUT"),
}
"""States that a job does not leave; it stands at PREEMPTED until it is requeued."""


class _RefusedError(InputError):
    """Slurm does not take a job, or not now."""


@dataclass
class _Job:
    """A job, and what waits for it."""

    job: Any
    task: Task
    future: Future[Outcome]
    entry: Entry | None = None
    silent: int = 0


class SlurmExecutor(Executor):
    """Submits one job for each task, all at once, each after the jobs that it needs.

    What goes first, and how many at a time, is left to Slurm: ``jobs`` is not used. The jobs go
    on if the driver dies. Where Slurm takes no more, as at the limit of an account, the rest is
    submitted when some have ended.

    Parameters
    ----------
    jobs, resources
        See :class:`Executor`. Of a GPU, Slurm gives whole ones only.
    options : dict
        Parameters of ``submitit.SlurmExecutor``, such as ``partition``, ``account`` or ``setup``;
        they win over what follows from the resources. ``cluster = "local"`` runs submitit's jobs
        as processes on this machine, `jobs` at a time, without Slurm.

    Raises
    ------
    InputError
        submitit is not installed, or there is no Slurm on this machine.
    """

    def __init__(self, jobs: int, resources: Resources, options: dict[str, Any]) -> None:
        super().__init__(jobs, resources, dict(options))
        self._submitit = _import_submitit()
        cluster = self.options.pop("cluster", "slurm")
        if cluster not in ("slurm", "local"):
            raise InputError(f"slurm.cluster = '{cluster}' is neither 'slurm' nor 'local'")
        self._local = cluster == "local"
        if not self._local and not (shutil.which("sbatch") and shutil.which("squeue")):
            raise InputError("there is no Slurm here: sbatch and squeue are not on the PATH")
        self._queue = Queue(jobs, self._start)
        self._lock = threading.Lock()
        self._jobs: dict[str, _Job] = {}
        self._ids: dict[Future[Outcome], str] = {}
        self._error: Exception | None = None
        self._stopped = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="slurm jobs", daemon=True)
        self._watcher.start()

    def submit(
        self, task: Task, dependencies: Sequence[Future[Outcome]], resources: Resources
    ) -> Future[Outcome]:
        """See :meth:`Executor.submit`.

        Raises
        ------
        InputError
            submitit refuses the job, or Slurm does while no other is in flight.
        """
        if self._local:
            return self._queue.submit(task, dependencies)
        job = self._launch_in_time(task, dependencies, resources)
        future: Future[Outcome] = Future()
        self._ids[future] = job.job_id
        with self._lock:
            self._jobs[job.job_id] = _Job(job, task, future)
            if self._error is not None:
                future.set_exception(self._error)
        return future

    def close(self) -> None:
        """See :meth:`Executor.close`; jobs that have not ended are cancelled."""
        self._queue.close()
        self._stopped.set()
        self._watcher.join()
        if self._local:
            for each in self._jobs.values():
                each.job.cancel(check=False)
        elif self._jobs:
            subprocess.run(["scancel", *self._jobs], check=False, capture_output=True)

    def _start(self, entry: Entry) -> None:
        job = self._launch(entry.task, self.resources, [])
        with self._lock:
            self._jobs[job.job_id] = _Job(job, entry.task, entry.future, entry)

    def _launch_in_time(
        self, task: Task, dependencies: Sequence[Future[Outcome]], resources: Resources
    ) -> Any:
        """Submit a job, again and again while others are in flight whose end may make room."""
        while True:
            in_flight = bool(self._jobs) and self._error is None
            after = [self._ids[each] for each in dependencies if not each.done()]
            try:
                return self._launch(task, resources, after)
            except _RefusedError:
                if not in_flight:
                    raise
            time.sleep(TRY_EVERY)

    def _launch(self, task: Task, resources: Resources, after: list[str]) -> Any:
        folder = Path(task.folder) / JOBS
        try:
            executor = self._engine(folder, task, resources, after)
            return executor.submit(_in_job, task)
        except (ValueError, TypeError) as error:
            raise InputError(f"[slurm] of the suite: {_one_line(error)}") from error
        except (self._submitit.core.utils.FailedJobError, OSError) as error:
            raise _RefusedError(f"Slurm refused a job: {_one_line(error)}; see [slurm]") from error

    def _engine(self, folder: Path, task: Task, resources: Resources, after: list[str]) -> Any:
        minutes = None if task.seconds is None else math.ceil(task.seconds / 60) + MARGIN_MINUTES
        if self._local:
            local = self._submitit.LocalExecutor(folder)
            local.update_parameters(timeout_min=minutes or 7 * 24 * 60)
            return local
        slurm = self._submitit.SlurmExecutor(folder)
        given = {
            "job_name": f"imbderm {task.title}",
            "time": minutes,  # None: the partition's own
            "cpus_per_task": resources.threads,
            "mem": f"{math.ceil(resources.memory_gb * 1024)}M",
            "gpus_per_node": math.ceil(resources.gpus) or None,
            "dependency": "afterany:" + ":".join(after) if after else None,
            "use_srun": False,  # a step of its own would have to ask for the CPUs again
            **self.options,
        }
        slurm.update_parameters(**given)
        return slurm

    def _watch(self) -> None:
        try:
            self._feed()
        except Exception as error:  # a full disk, say; or the driver would wait for ever
            with self._lock:
                self._error = error
                jobs = list(self._jobs.values())
            self._queue.break_off(error)
            for each in jobs:
                if each.entry is None:
                    each.future.set_exception(error)

    def _feed(self) -> None:
        """Feed the futures until the executor is closed."""
        looks = 0
        while not self._stopped.wait(LOOK_EVERY):
            looks += 1
            with self._lock:
                jobs = dict(self._jobs)
            for key, each in jobs.items():
                if each.job.paths.result_pickle.exists():
                    self._settle(key, self._result(each))
            if looks * LOOK_EVERY >= ASK_EVERY or self._local:
                looks = 0
                self._miss(jobs)

    def _result(self, each: _Job) -> Outcome:
        try:
            outcome: Outcome = each.job.result()
        except Exception as error:  # of the job: it could not import the package, say
            return give_up(each.task, f"its job failed: {_one_line(error)}; {_log_of(each.job)}")
        return outcome

    def _miss(self, jobs: dict[str, _Job]) -> None:
        """Give up jobs that have ended without a result; twice seen, as files may be late."""
        states = _processes(jobs) if self._local else _states()
        if states is None:
            return
        for key, each in jobs.items():
            if key not in self._jobs:
                continue
            state = states.get(key, "")
            each.silent = 0 if state and state not in _OVER else each.silent + 1
            if each.silent > 1:
                how = f"ended as {state}" if state else "ended"
                reason = f"its job {key} {how} without a result; {_log_of(each.job)}"
                self._settle(key, give_up(each.task, reason))

    def _settle(self, key: str, outcome: Outcome) -> None:
        with self._lock:
            each = self._jobs.pop(key)
        if each.entry is None:
            each.future.set_result(outcome)
        else:
            self._queue.ended(each.entry, outcome)


def _in_job(task: Task) -> Outcome:
    """Compute a task as a job; submitit's own handlers keep a cancelled job at work."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    return perform(task)


def _states() -> dict[str, str] | None:
    """Return by id the state of every job of this user that Slurm remembers; None: no answer."""
    command = ["squeue", "--me", "--states=all", "--noheader", "--format=%i %T"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        return None
    return dict(line.split(maxsplit=1) for line in answer.stdout.splitlines() if line.strip())


def _processes(jobs: dict[str, _Job]) -> dict[str, str]:
    """Return by id the state of every job whose process is there."""
    states = {key: each.job.state for key, each in jobs.items()}
    return {key: state for key, state in states.items() if state == "RUNNING"}


def _log_of(job: Any) -> str:
    return f"see {JOBS}/{job.paths.stderr.name}"


def _one_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip(" -")]
    return lines[0] if lines else type(error).__name__


def _import_submitit() -> Any:
    try:
        import submitit
    except ImportError as error:
        raise InputError(
            "--executor slurm needs submitit; install it: pip install 'imbalance-derm[slurm]'"
        ) from error
    return submitit
