"""The stage cache: each stage is computed once, stored under a hash of all that determines it."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout

from imbalance_derm.experiment.environment import versions
from imbalance_derm.experiment.events import (
    Listener,
    StageFinished,
    StageProgress,
    StageStarted,
    StageWaits,
)
from imbalance_derm.experiment.files import write_text
from imbalance_derm.experiment.fingerprint import digest
from imbalance_derm.experiment.record import StageEntry

META = "stage.json"
CHECKPOINT = "checkpoint"
_OWN = "imbalance-derm"
"""What matters of this package is in the keys."""
Progress = Callable[[int, int, dict[str, float]], None]


@dataclass(frozen=True)
class Stage:
    """A finished stage: its entry for the record, and the folder of its results."""

    entry: StageEntry
    folder: Path

    @property
    def key(self) -> str:
        """The hash that later stages build on."""
        return self.entry.key

    @property
    def facts(self) -> dict[str, Any]:
        """What the computation reported."""
        return self.entry.facts


class StageCache:
    """Folders of stage results below one root, safe to share between processes.

    Parameters
    ----------
    root : Path
        ``root/STAGE/KEY/`` holds a finished stage, ``root/STAGE/KEY.partial/`` one in the making.
    listener : callable
        Told of each stage's start, progress and end.
    """

    def __init__(self, root: Path, listener: Listener = lambda event: None) -> None:
        self.root = root
        self.listener = listener
        self.entries: list[StageEntry] = []

    def run(
        self,
        stage: str,
        inputs: dict[str, Any],
        compute: Callable[[Path, Progress], dict[str, Any]],
    ) -> Stage:
        """Return the stage with these inputs, computing it unless it is there already.

        Parameters
        ----------
        stage : str
            Name, such as ``"train"``.
        inputs : dict
            JSON-able; everything that determines the result.
        compute : callable
            ``compute(folder, progress)`` writes its results into `folder` and returns JSON-able
            facts; ``facts["steps"]`` counts optimiser steps. A killed computation finds its
            own ``folder/checkpoint`` again; that folder is removed at the end.
        """
        key = digest({"stage": stage, **inputs})
        final = self.root / stage / key
        final.parent.mkdir(parents=True, exist_ok=True)
        with self._lock(final, stage, key):
            meta = _read_meta(final)
            found = meta is not None
            if meta is None:
                self.listener(StageStarted(stage, key))
                meta = self._compute(stage, final, compute)
        now = versions()
        entry = StageEntry(
            stage=stage,
            key=key,
            cached=found,
            seconds=meta["seconds"],
            peak_memory_mb=meta["peak_memory_mb"],
            steps=0 if found else int(meta["facts"].get("steps", 0)),
            facts=meta["facts"],
            other_versions={
                name: version
                for name, version in meta.get("versions", {}).items()
                if now.get(name) != version and name != _OWN
            },
        )
        self.entries.append(entry)
        self.listener(StageFinished(entry))
        return Stage(entry, final)

    @contextmanager
    def _lock(self, final: Path, stage: str, key: str) -> Iterator[None]:
        """Keep other processes from the stage; say so where one of them is at it."""
        lock = FileLock(final.with_suffix(".lock"))
        try:
            lock.acquire(blocking=False)
        except Timeout:
            self.listener(StageWaits(stage, key))
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def _compute(
        self, stage: str, final: Path, compute: Callable[[Path, Progress], dict[str, Any]]
    ) -> dict[str, Any]:
        partial = final.with_suffix(".partial")
        partial.mkdir(exist_ok=True)
        meta = _read_meta(partial)
        if meta is None:
            meta = self._written(stage, partial, compute)
        # From here on a kill costs nothing: what is there is whole.
        shutil.rmtree(partial / CHECKPOINT, ignore_errors=True)
        if final.exists():
            shutil.rmtree(final)
        partial.rename(final)
        return meta

    def _written(
        self, stage: str, partial: Path, compute: Callable[[Path, Progress], dict[str, Any]]
    ) -> dict[str, Any]:
        _forget_all_but_checkpoint(partial)

        def progress(done: int, total: int, figures: dict[str, float]) -> None:
            self.listener(StageProgress(stage, done, total, figures))

        with _usage(partial / CHECKPOINT) as usage:
            facts = compute(partial, progress)
        meta = {
            "seconds": usage.seconds,
            "peak_memory_mb": usage.peak_bytes / 2**20,
            "facts": facts,
            "versions": versions(),
        }
        write_text(partial / META, json.dumps(meta))
        return meta


def _read_meta(folder: Path) -> dict[str, Any] | None:
    """Return what a finished stage says of itself; None where nothing, or half of it, is there.

    A power failure may leave the name of a file without its text.
    """
    try:
        meta: dict[str, Any] = json.loads((folder / META).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return meta


def _forget_all_but_checkpoint(folder: Path) -> None:
    for path in folder.iterdir():
        if path.name != CHECKPOINT:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


@dataclass
class _Usage:
    seconds: float = 0.0
    peak_bytes: float = 0.0


@contextmanager
def _usage(checkpoint: Path) -> Iterator[_Usage]:
    """Measure seconds and resident memory of what runs inside.

    The seconds are kept beside a checkpoint, so that a resumed stage reports all of its time.
    """
    clock = checkpoint / "seconds"
    spent = float(clock.read_text()) if clock.is_file() else 0.0
    start = time.perf_counter()
    process = psutil.Process()
    usage = _Usage(spent, float(process.memory_info().rss))
    done = threading.Event()

    def watch() -> None:
        written = start
        while not done.wait(0.1):
            usage.peak_bytes = max(usage.peak_bytes, process.memory_info().rss)
            now = time.perf_counter()
            if now - written > 2.0 and checkpoint.is_dir():
                written = now
                with suppress(OSError):  # a full disk is the computation's to report
                    write_text(clock, str(spent + now - start))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield usage
    finally:
        done.set()
        thread.join()
        usage.seconds = spent + time.perf_counter() - start
