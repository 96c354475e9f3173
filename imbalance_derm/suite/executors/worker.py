"""What a worker process on this machine does before, between and after its tasks."""

from __future__ import annotations

import os
import signal
import threading
import time

from imbalance_derm.suite.task import Outcome, Task
from imbalance_derm.suite.work import perform

LOOK_EVERY = 1.0
"""Seconds between two looks for the driver."""


def set_up(driver: int) -> None:
    """Leave Ctrl-C to the driver, which ends its workers, and end this process soon after it.

    Parameters
    ----------
    driver : int
        Its process id.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_outlive, args=(driver,), name="driver", daemon=True).start()


def compute(task: Task, slot: int) -> Outcome:
    """Compute a task on the GPU of its slot.

    Where the GPU answers no more after a task that ended badly, as after a fault in a kernel, the
    process ends; its next task would only fail, too. The outcome is written by then.
    """
    _take_device(slot)
    outcome = perform(task)
    if outcome.status != "done" and _device_is_lost():
        os._exit(1)
    return outcome


def _outlive(driver: int) -> None:
    while os.getppid() == driver:
        time.sleep(LOOK_EVERY)
    os._exit(1)


def _take_device(slot: int) -> None:
    import torch

    if torch.cuda.is_available() and torch.cuda.device_count() > 1:
        torch.cuda.empty_cache()  # the task before may have had another GPU; that has a new user
        torch.cuda.set_device(slot % torch.cuda.device_count())


def _device_is_lost() -> bool:
    import torch

    if not torch.cuda.is_initialized():
        return False
    try:
        torch.cuda.synchronize()
    except RuntimeError:
        return True
    return False
