"""Every executor on the same suite: the figures of ``imbderm run``, and every failure told."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from imbalance_derm.errors import InputError
from imbalance_derm.experiment.failure import Failure, find_failures
from imbalance_derm.experiment.record import RECORD_FILE, Record
from imbalance_derm.pipeline.run import run
from imbalance_derm.suite.executors import find_executor
from imbalance_derm.suite.executors import slurm as slurm_executor
from imbalance_derm.suite.executors.contract import LOST, Executor
from imbalance_derm.suite.grid import grid
from imbalance_derm.suite.plan import plan
from imbalance_derm.suite.task import Resources

from .conftest import Carried, carry, tiny_suite
from .loopback_slurm import NoSlurm, loopback_slurm

SOUND = ("ce", "focal")
LIMIT = 3.0


@pytest.fixture(scope="module")
def alone(tmp_path_factory, faults) -> dict[str, Record]:
    """The sound runs as ``imbderm run`` does them, one after the other."""
    records, folder = {}, tmp_path_factory.mktemp("alone")
    for cell in grid(tiny_suite(axes={"loss": list(SOUND)}), {}):
        into = folder / cell.name
        run(cell.spec, into, folder / "cache", "", lambda event: None, lambda text: None)
        records[cell.axes["loss"]] = Record.from_json((into / RECORD_FILE).read_text())
    return records


def check(
    folder: Path,
    executor: Executor,
    alone: dict[str, Record],
    killed: str = LOST,
    losses: Sequence[str] = ("killer", "sleeper", *SOUND),
    watch: Callable[[], None] = lambda: None,
) -> Carried:
    """Have sound and faulty runs computed, and look at what is left of each.

    Parameters
    ----------
    killed : str
        Part of the reason that is given where a worker was killed.
    """
    suite, limits = tiny_suite(axes={"loss": list(losses)}), {"sleeper": LIMIT}
    carried = carry(suite, folder / "suite", folder / "cache", executor, limits, watch)
    failures = {failure.spec["loss"]["name"]: failure for _, failure in failures_of(carried)}
    reasons = {loss: failure.reason for loss, failure in failures.items()}
    assert reasons.keys() == set(losses) - set(SOUND), reasons
    for loss in set(SOUND) & set(losses):
        found, expected = carried.record(loss=loss), alone[loss]
        for figures in ("metrics", "confusion", "decision"):  # as text: NaN is NaN
            assert repr(getattr(found, figures)) == repr(getattr(expected, figures))
    assert len(set(carried.computed)) == len(carried.computed)
    if "killer" in losses:
        assert (failures["killer"].status, failures["killer"].stage) == ("failed", "train")
        assert killed in failures["killer"].reason
    if "sleeper" in losses:
        assert (failures["sleeper"].status, failures["sleeper"].stage) == ("timed out", "train")
        assert failures["sleeper"].reason == f"took longer than {LIMIT:g} s"
    return carried


def failures_of(carried: Carried) -> list[tuple[Path, Failure]]:
    return find_failures([carried.folder])


@pytest.mark.slow
@pytest.mark.parametrize(("jobs", "losses"), [(1, SOUND), (2, ("killer", "sleeper", *SOUND))])
def test_local(tmp_path, alone, jobs, losses):
    check(tmp_path, find_executor("local")(jobs, Resources(), {}), alone, losses=losses)


@pytest.mark.slow
def test_ray_with_a_head_and_a_second_node(tmp_path, alone, capfd):
    ray = pytest.importorskip("ray")
    cluster_utils = pytest.importorskip("ray.cluster_utils")
    idle = []

    def watch() -> None:
        idle.append(ray.available_resources().get("CPU", 0.0))

    cluster = cluster_utils.Cluster(
        initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False}
    )
    try:
        cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        capfd.readouterr()
        executor = find_executor("ray")(2, Resources(), {"address": cluster.address})
        assert [node["Resources"]["CPU"] for node in ray.nodes()] == [1, 1]
        check(tmp_path, executor, alone, watch=watch)
        assert min(idle) == 0  # each node has had a task at the same time
        assert capfd.readouterr() == ("", "")
    finally:
        cluster.shutdown()


@pytest.mark.slow
def test_submitit_without_slurm(tmp_path, alone):
    executor = find_executor("slurm")(2, Resources(), {"cluster": "local"})
    check(tmp_path, executor, alone, "without a result; see slurm/", losses=("killer", "ce"))


@pytest.fixture(scope="module")
def slurm(tmp_path_factory, faults) -> Iterator[None]:
    """Slurm on loopback; where there is none, submitit's own executor above stands in."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slurm_executor, "ASK_EVERY", 1.0)
        try:
            with loopback_slurm(tmp_path_factory.mktemp("slurm")):
                yield
        except NoSlurm as reason:
            pytest.skip(f"no Slurm on loopback: {reason}")


@pytest.mark.slow
def test_slurm(tmp_path, alone, slurm):
    executor = find_executor("slurm")(2, Resources(), {"partition": "all"})
    check(tmp_path, executor, alone, "ended as FAILED without a result; see slurm/")


@pytest.mark.slow
def test_slurm_jobs_that_are_cancelled(tmp_path, slurm):
    suite = tiny_suite()
    cells = grid(suite, {})
    planned = plan(suite, cells, tmp_path / "suite", tmp_path / "cache", "")
    first, second, *_ = planned.tasks.values()
    with find_executor("slurm")(
        2, Resources(), {"additional_parameters": {"begin": "now+1hour"}}
    ) as executor:
        one = executor.submit(first, [], Resources())
        two = executor.submit(second, [one], Resources())
        held = squeue("%i %r")
        assert len(held) == 2
        subprocess.run(["scancel", held[0].split()[0]], check=True)
        outcome = one.result(60)
        assert outcome.status == "failed"
        assert "ended as CANCELLED without a result; see slurm/" in outcome.reason
        assert not two.done()
    assert squeue("%i") == []


def squeue(form: str) -> list[str]:
    command = ["squeue", "--noheader", "--states=PENDING", "--sort=i", f"--format={form}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def test_wrong_settings_are_told_in_one_line(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="neither 'slurm' nor 'local'"):
        find_executor("slurm")(1, Resources(), {"cluster": "pbs"})
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="no Slurm here"):
        find_executor("slurm")(1, Resources(), {})


def test_no_ray_at_the_address():
    pytest.importorskip("ray")
    with pytest.raises(InputError, match=r"no Ray cluster at 127\.0\.0\.1:1: .*refused"):
        find_executor("ray")(1, Resources(), {"address": "127.0.0.1:1"})


@pytest.mark.parametrize(("name", "package"), [("ray", "ray"), ("slurm", "submitit")])
def test_missing_package(monkeypatch, name, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=rf"pip install 'imbalance-derm\[{name}\]'"):
        find_executor(name)(1, Resources(), {})
