"""The stage cache: once per key, atomic, resumable, safe between processes."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import time
from importlib import metadata
from pathlib import Path

import pytest

from imbalance_derm.experiment.events import StageFinished, StageStarted, StageWaits
from imbalance_derm.experiment.files import replacing
from imbalance_derm.experiment.fingerprint import digest, files_digest, source_digest
from imbalance_derm.experiment.stages import CHECKPOINT, StageCache


def write(folder: Path, progress) -> dict:
    (folder / "result.txt").write_text("made")
    return {"steps": 12}


def test_a_stage_is_computed_once_and_says_so(tmp_path):
    events = []
    first = StageCache(tmp_path, events.append).run("fit", {"a": 1}, write)
    again = StageCache(tmp_path, events.append).run("fit", {"a": 1}, write)
    other = StageCache(tmp_path).run("fit", {"a": 2}, write)
    assert (first.entry.cached, again.entry.cached) == (False, True)
    assert (first.entry.steps, again.entry.steps) == (12, 0)
    assert again.facts == {"steps": 12}
    assert first.folder == again.folder != other.folder
    assert (again.folder / "result.txt").read_text() == "made"
    assert [type(event) for event in events] == [StageStarted, StageFinished, StageFinished]


def test_a_failed_stage_leaves_nothing_that_looks_finished(tmp_path):
    def fails(folder: Path, progress) -> dict:
        (folder / "result.txt").write_text("half")
        raise RuntimeError("boom")

    with pytest.raises(RuntimeError):
        StageCache(tmp_path).run("fit", {}, fails)
    assert not list(tmp_path.rglob("stage.json"))

    def looks(folder: Path, progress) -> dict:
        assert list(folder.iterdir()) == []
        return write(folder, progress)

    assert not StageCache(tmp_path).run("fit", {}, looks).entry.cached


def test_only_the_checkpoint_survives_a_kill_and_it_is_gone_at_the_end(tmp_path):
    def killed(folder: Path, progress) -> dict:
        (folder / CHECKPOINT).mkdir()
        (folder / CHECKPOINT / "state").write_text("7")
        (folder / CHECKPOINT / "seconds").write_text("100.0")
        (folder / "result.txt").write_text("half")
        raise KeyboardInterrupt

    def resumed(folder: Path, progress) -> dict:
        assert not (folder / "result.txt").exists()
        return {"from": (folder / CHECKPOINT / "state").read_text()}

    with pytest.raises(KeyboardInterrupt):
        StageCache(tmp_path).run("fit", {}, killed)
    stage = StageCache(tmp_path).run("fit", {}, resumed)
    assert stage.facts == {"from": "7"}
    assert stage.entry.seconds > 100.0
    assert not (stage.folder / CHECKPOINT).exists()


def slow(folder: Path, progress) -> dict:
    time.sleep(0.5)
    (folder / "n").write_text("x")
    return {}


def worker(root: str, queue) -> None:
    queue.put(StageCache(Path(root)).run("fit", {}, slow).entry.cached)


def test_two_processes_do_a_stage_once(tmp_path):
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    workers = [context.Process(target=worker, args=(str(tmp_path), queue)) for _ in range(2)]
    for process in workers:
        process.start()
    found = sorted(queue.get(timeout=30) for _ in workers)
    for process in workers:
        process.join()
    assert found == [False, True]


def hold(root: str, ready, go) -> None:
    def compute(folder: Path, progress) -> dict:
        ready.set()
        go.wait(30)
        return {}

    StageCache(Path(root)).run("fit", {}, compute)


def test_who_waits_for_another_process_is_told_so(tmp_path):
    context = multiprocessing.get_context("fork")
    ready, go = context.Event(), context.Event()
    other = context.Process(target=hold, args=(str(tmp_path), ready, go))
    other.start()
    assert ready.wait(30)
    events = []

    def listen(event) -> None:
        events.append(event)
        go.set()

    stage = StageCache(tmp_path, listen).run("fit", {}, write)
    other.join()
    assert [type(event) for event in events] == [StageWaits, StageFinished]
    assert stage.entry.cached


def test_a_stage_without_its_own_account_is_computed_again(tmp_path):
    stage = StageCache(tmp_path).run("fit", {}, write)
    (stage.folder / "stage.json").write_text("")  # what a power failure leaves
    again = StageCache(tmp_path).run("fit", {}, write)
    assert (again.entry.cached, again.facts) == (False, {"steps": 12})


def test_a_kill_between_the_last_two_steps_costs_nothing(tmp_path):
    stage = StageCache(tmp_path).run("fit", {}, write)
    partial = stage.folder.with_suffix(".partial")
    stage.folder.rename(partial)
    (partial / CHECKPOINT).mkdir()

    def never(folder: Path, progress) -> dict:
        pytest.fail("was computed again")

    again = StageCache(tmp_path).run("fit", {}, never)
    assert (again.folder / "result.txt").read_text() == "made"
    assert sorted(path.name for path in again.folder.iterdir()) == ["result.txt", "stage.json"]


def test_a_found_stage_tells_what_other_versions_it_was_computed_with(tmp_path):
    stage = StageCache(tmp_path).run("fit", {}, write)
    assert stage.entry.other_versions == {}
    file = stage.folder / "stage.json"
    meta = json.loads(file.read_text())
    assert meta["versions"]["torch"] == metadata.version("torch")
    meta["versions"] |= {"torch": "1.0", "imbalance-derm": "0.0.1"}
    file.write_text(json.dumps(meta))
    again = StageCache(tmp_path).run("fit", {}, write)
    assert again.entry.other_versions == {"torch": "1.0"}


def test_a_path_counts_by_what_lies_there(tmp_path):
    weights, folder = tmp_path / "weights.pt", tmp_path / "model"
    weights.write_bytes(b"a")
    folder.mkdir()
    (folder / "unet.bin").write_bytes(b"a")
    parameters = {"weights": str(weights), "start_from": str(folder), "policy": "skin", "n": 3}
    before = files_digest(parameters)
    assert before["weights"] == hashlib.sha256(b"a").hexdigest()
    assert sorted(before) == ["start_from", "weights"]
    weights.write_bytes(b"b")
    (folder / "unet.bin").write_bytes(b"bb")
    after = files_digest(parameters)
    assert after["weights"] == hashlib.sha256(b"b").hexdigest()
    assert after["start_from"] != before["start_from"]


def test_replacing_keeps_the_old_file_when_writing_fails(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("old")

    def fail() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_digest_depends_on_values_and_not_on_order():
    assert digest({"a": [1, 2], "b": None}) == digest(json.loads('{"b": null, "a": [1, 2]}'))
    assert digest({"a": [1, 2]}) != digest({"a": [2, 1]})


def test_source_digest_changes_with_the_code(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "part_x.py").write_text("a = 1\n")
    before = source_digest("part_x")
    source_digest.cache_clear()
    (tmp_path / "part_x.py").write_text("a = 2\n")
    assert source_digest("part_x") != before
    assert source_digest("imbalance_derm.losses") != source_digest("imbalance_derm.models")
