"""The graph of stages, its order, and what is known of durations."""

import json
from itertools import pairwise

import numpy as np
import pytest

from imbalance_derm.errors import InputError
from imbalance_derm.experiment.record import RECORD_FILE
from imbalance_derm.pipeline.steps import _digest_of_table
from imbalance_derm.suite.durations import Durations, known_durations, remember
from imbalance_derm.suite.grid import grid
from imbalance_derm.suite.layout import KEY_FILE
from imbalance_derm.suite.order import estimate, in_order
from imbalance_derm.suite.plan import plan
from imbalance_derm.suite.suite import Suite
from imbalance_derm.suite.task import Outcome, Task


def planned(tmp_path, **fields):
    suite = Suite(name="some", preset="smoke", **fields)
    return plan(suite, grid(suite, {}), tmp_path / "out", tmp_path / "cache", "imbderm bench")


def stages(found):
    return [task.stage for task in found.tasks.values()]


def test_what_runs_share_is_there_once(tmp_path):
    axes = {"synth": ["cyclegan"], "loss": ["ce", "focal"], "head": ["single_task", "cosine"]}
    found = planned(tmp_path, axes=axes, seeds=[0, 1])
    counts = {stage: stages(found).count(stage) for stage in set(stages(found))}
    assert counts == {"decode": 1, "fit": 2, "sample": 2, "audit": 2, "train": 8, "run": 8}


def test_the_seed_of_the_synthesizer_can_be_held(tmp_path):
    held = planned(
        tmp_path, axes={"synth": ["cyclegan"]}, base={"synth": {"seed": 0}}, seeds=[0, 1]
    )
    assert stages(held).count("fit") == 1
    assert stages(held).count("train") == 2


def test_another_strength_of_sampling_fits_nothing_anew(tmp_path):
    values = [{"name": "diffusion", "quota": quota} for quota in ("x1", "x2")]
    found = planned(tmp_path, axes={"synth": values})
    assert (stages(found).count("fit"), stages(found).count("sample")) == (1, 2)


def test_a_baseline_without_samples_fits_nothing_and_a_frozen_backbone_embeds(tmp_path):
    found = planned(tmp_path, axes={"synth": ["none", "smote"]})
    titles = [task.title for task in found.tasks.values() if not task.run]
    assert not any("none" in title for title in titles if not title.startswith("train"))
    assert stages(found).count("embed") == 1


def test_every_task_comes_after_what_it_needs(tmp_path):
    axes = {"synth": ["none", "smote", "duplicate"], "loss": ["ce", "focal"]}
    found = planned(tmp_path, axes=axes)
    tasks = in_order(found.tasks, Durations(frozenset(), {}))
    assert sorted(task.key for task in tasks) == sorted(found.tasks)
    for order in (list(found.tasks.values()), tasks):
        seen = set()
        for task in order:
            assert set(task.needs) <= seen
            seen.add(task.key)


def test_a_finished_run_and_what_only_it_needs_are_left_out(tmp_path):
    suite = Suite(name="some", preset="smoke", axes={"synth": ["none", "duplicate"]})
    cells = grid(suite, {})
    whole = plan(suite, cells, tmp_path / "out", tmp_path / "cache", "")
    (last,) = [task for task in whole.tasks.values() if task.run == cells[1].name]
    last.run_folder.mkdir(parents=True)
    (last.run_folder / RECORD_FILE).write_text("{}")
    (last.run_folder / KEY_FILE).write_text(last.key)
    found = plan(suite, cells, tmp_path / "out", tmp_path / "cache", "")
    assert [cell.name for cell in found.finished] == [cells[1].name]
    assert sorted(stages(found)) == ["decode", "run", "train"]


def test_a_record_of_other_code_or_data_is_not_taken_for_a_finished_run(tmp_path):
    photographs = tmp_path / "photographs"
    for name in ("benign", "malignant"):
        (photographs / name).mkdir(parents=True)
        for number in range(3):
            (photographs / name / f"{number}.png").touch()
    suite = Suite(name="some", preset="smoke", base={"data": str(photographs)})
    first = plan(suite, grid(suite, {}), tmp_path / "out", tmp_path / "cache", "")
    last = next(task for task in first.tasks.values() if task.run)
    last.run_folder.mkdir(parents=True)
    (last.run_folder / RECORD_FILE).write_text("{}")
    (last.run_folder / KEY_FILE).write_text(last.key)
    _digest_of_table.cache_clear()
    again = plan(suite, grid(suite, {}), tmp_path / "out", tmp_path / "cache", "")
    assert len(again.finished) == 1
    (photographs / "malignant" / "new.png").touch()
    _digest_of_table.cache_clear()
    more = plan(suite, grid(suite, {}), tmp_path / "out", tmp_path / "cache", "")
    assert (more.finished, len(more.planned)) == ([], 1)
    assert {task.run for task in more.tasks.values() if task.run} == {last.run}


def test_data_that_are_not_there_are_told_before_anything_is_begun(tmp_path):
    with pytest.raises(InputError, match="--data-root"):
        planned(tmp_path, base={"data": "isic2016"})


def test_parts_that_cannot_work_together_are_refused_with_the_reason(tmp_path):
    # A mixer of pictures has none to mix where a frozen backbone gives embeddings.
    axes = {"mixer": ["none", "cutmix"]}
    found = planned(tmp_path, axes=axes, base={"backbone": {"frozen": True}})
    (failure,) = found.failures.values()
    assert failure.status == "refused"
    assert "CutMix" in failure.reason
    assert len(found.planned) == 1
    with pytest.raises(InputError, match="CutMix"):
        planned(tmp_path, axes={"mixer": ["cutmix"]}, base={"backbone": {"frozen": True}})


def task(key, needs=(), likeness=""):
    return Task(key, "train", key, likeness or key, {}, tuple(needs), "out", "cache")


def test_the_longest_way_goes_first():
    tasks = [task("a"), task("b"), task("c", ["b"]), task("d")]
    durations = Durations(frozenset(), {"a": 5.0, "b": 1.0, "c": 6.0, "d": 2.0})
    ordered = in_order({each.key: each for each in tasks}, durations)
    assert [each.key for each in ordered] == ["b", "c", "a", "d"]


def test_the_estimate_is_that_of_a_schedule_played_through():
    tasks = [task("a"), task("b"), task("c", ["a"]), task("d", ["b"]), task("unheard")]
    durations = Durations(frozenset(), {"a": 4.0, "b": 1.0, "c": 2.0, "d": 3.0})
    one, two = (estimate(tasks, durations, jobs) for jobs in (1, 2))
    assert (one.work, one.wall, one.unknown) == (10.0, 10.0, 1)
    assert two.wall == 6.0  # a 0-4, b 0-1 and d 1-4 on the other, c 4-6


def test_what_has_begun_counts_with_what_is_left_of_it():
    tasks = [task("a"), task("b"), task("c")]
    durations = Durations(frozenset(), {"a": 4.0, "b": 100.0})
    found = estimate(tasks, durations, 1, {"b": 3.0, "c": 2.0, "gone": 50.0})
    assert (found.work, found.wall, found.unknown) == (9.0, 9.0, 0)
    # "c" has a worker already: it is not waited for behind "a", which has none yet.
    assert estimate(tasks, durations, 2, {"b": 3.0, "c": 2.0}).wall == 6.0


def test_more_workers_never_take_longer_than_one_and_never_less_than_their_share():
    rng = np.random.default_rng(0)
    tasks = [task(str(n), [str(n - 1)] if n % 3 else []) for n in range(30)]
    durations = Durations(frozenset(), {str(n): float(rng.uniform(1, 9)) for n in range(30)})
    walls = [estimate(tasks, durations, jobs).wall for jobs in (1, 2, 4, 8)]
    work = sum(durations.alike.values())
    assert walls[0] == pytest.approx(work)
    for jobs, wall in zip((1, 2, 4, 8), walls, strict=True):
        assert wall >= work / jobs - 1e-9
    assert all(slower >= faster for slower, faster in pairwise(walls))


def test_durations_are_medians_of_what_is_alike_and_finished_is_what_is_still_there(tmp_path):
    def done(key, seconds, likeness):
        one = Task(key, "fit", "some", likeness, {}, (), str(tmp_path), str(tmp_path))
        (tmp_path / "fit" / key).mkdir(parents=True)
        remember(one, Outcome("done", seconds=seconds, computed=(("fit", key),)))

    for key, seconds in (("k1", 1.0), ("k2", 9.0), ("k3", 2.0)):
        done(key, seconds, "alike")
    (tmp_path / "fit" / "k2").rmdir()
    found = known_durations(tmp_path)
    assert found.finished == {"k1", "k3"}
    assert found.alike == {"alike": 2.0}
    kept = json.loads((tmp_path / "steps" / "k1.json").read_text())
    assert kept["title"] == "fit some"


def test_a_half_written_note_of_a_duration_stops_nobody(tmp_path):
    (tmp_path / "steps").mkdir()
    (tmp_path / "steps" / ".k.json.x1.json").touch()  # being written, or its writer was killed
    (tmp_path / "steps" / "k.json").touch()
    assert known_durations(tmp_path) == Durations(frozenset(), {})
