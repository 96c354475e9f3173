"""How long a long stage will take, found out by starting it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from imbalance_derm.experiment.events import StageFinished, StageProgress
from imbalance_derm.experiment.spec import Spec, SynthSection
from imbalance_derm.suite.durations import Durations
from imbalance_derm.suite.task import Task
from imbalance_derm.suite.time_limit import OutOfTime, time_limit

SECONDS = 4.0
"""How long a stage is watched, from its first sign of progress."""
LIMIT = 60.0
"""Seconds after which a probe is given up; what the stage needs, such as decoding, included."""
LONG = ("fit", "train")
"""Stages that are worth it, and that tell their progress."""


class _SeenEnough(BaseException):
    """Ends a stage; no Exception, so that no part handles it."""


def probe(task: Task) -> float | None:
    """Start a stage, watch it for a few seconds and end it.

    A training is started on the real images alone: its updates take as long. What is begun here
    goes on from its checkpoint, where it got that far, when it is computed for good. It runs on
    as many threads as a worker will have.

    Returns
    -------
    float or None
        Seconds that the whole stage will take. None where it told nothing of its progress within
        :data:`LIMIT`, where synthetic images make a training longer, or where it failed: that is
        for the suite to tell.
    """
    import torch

    from imbalance_derm.experiment.stages import StageCache
    from imbalance_derm.pipeline.learning import make_synthesizer
    from imbalance_derm.pipeline.steps import prepare

    spec, synthesizer = make_synthesizer(Spec.model_validate(task.spec))
    if task.stage == "train" and synthesizer.makes_samples:
        if spec.train.epoch_over == "all":
            return None
        spec = spec.model_copy(update={"synth": SynthSection()})
    threads = {"threads": spec.train.threads or task.threads}
    spec = spec.model_copy(update={"train": spec.train.model_copy(update=threads)})
    seen: list[tuple[float, int, int]] = []
    took: list[float] = []

    def listen(event: Any) -> None:
        if isinstance(event, StageFinished) and event.entry.stage == task.stage:
            took.append(event.entry.seconds)
        if isinstance(event, StageProgress) and event.stage == task.stage:
            seen.append((time.perf_counter(), event.done, event.total))
            if seen[-1][0] - seen[0][0] > SECONDS:
                raise _SeenEnough

    own_threads = torch.get_num_threads()
    try:
        with time_limit(LIMIT):
            prepare(spec, StageCache(Path(task.cache), listen), task.stage)
    except _SeenEnough:
        (began, first, _), (ended, last, total) = seen[0], seen[-1]
        return (ended - began) / max(1, last - first) * total
    except (OutOfTime, Exception):
        return None
    finally:
        torch.set_num_threads(own_threads)
    return took[-1] if took else None


def probed(tasks: list[Task], durations: Durations) -> Durations:
    """Return `durations` with what is found out of long stages that are like none known.

    Of stages that are alike one is tried, once.
    """
    tried = set()
    for task in tasks:
        unknown = task.key not in durations.finished and durations.expected(task) is None
        if task.stage in LONG and unknown and task.likeness not in tried:
            tried.add(task.likeness)
            if (seconds := probe(task)) is not None:
                durations = durations.expecting({task.likeness: seconds})
    return durations
