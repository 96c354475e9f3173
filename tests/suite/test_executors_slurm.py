"""What becomes of jobs that Slurm takes only later, and of all if nobody watches any more."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from imbalance_derm.errors import InputError
from imbalance_derm.suite.executors import slurm
from imbalance_derm.suite.executors.slurm import SlurmExecutor
from imbalance_derm.suite.task import Resources, Task

SBATCH = """#!/bin/sh
cd {folder}
echo call >> calls
if [ -s full ]; then
  eval "$(head -n 1 full)"
  sed -i 1d full
  echo 'sbatch: error: QOSMaxSubmitJobPerUserLimit' >&2
  exit 1
fi
number=$(wc -l < calls)
echo "$number RUNNING" >> queue
echo "Submitted batch job $number"
"""
PROGRAMS = {
    "sbatch": SBATCH,
    "squeue": "#!/bin/sh\ncat {folder}/queue\n",
    "scancel": '#!/bin/sh\necho "$@" > {folder}/cancelled\n',
    "srun": "",
}


@pytest.fixture
def cluster(tmp_path, monkeypatch) -> Path:
    """A Slurm that runs nothing: ``queue`` says what it has.

    It refuses as many jobs as ``full`` has lines, which are commands for what happens then.
    """
    pytest.importorskip("submitit")
    folder = tmp_path / "cluster"
    folder.mkdir()
    (folder / "queue").touch()
    for name, text in PROGRAMS.items():
        program = folder / name
        program.write_text(text.format(folder=folder))
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    for pause in ("LOOK_EVERY", "ASK_EVERY", "TRY_EVERY"):
        monkeypatch.setattr(slurm, pause, 0.05)
    return folder


def make(folder: Path, key: str) -> Task:
    return Task(key, "train", "ce", "", {}, (), str(folder), str(folder), "session")


def calls(cluster: Path) -> int:
    return len((cluster / "calls").read_text().splitlines())


def test_a_job_that_is_refused_while_others_are_in_flight_is_submitted_later(tmp_path, cluster):
    with SlurmExecutor(1, Resources(), {}) as executor:
        one = executor.submit(make(tmp_path, "one"), [], Resources())
        (cluster / "full").write_text("true\n" * 3)
        two = executor.submit(make(tmp_path, "two"), [one], Resources())
        assert calls(cluster) == 5
        assert not one.done()
        assert not two.done()
    assert (cluster / "cancelled").read_text().split() == ["1", "5"]


def test_a_job_that_is_refused_while_none_is_in_flight_is_wrong_input(tmp_path, cluster):
    (cluster / "full").write_text("true\n" * 3)
    with (
        SlurmExecutor(1, Resources(), {}) as executor,
        pytest.raises(InputError, match="Slurm refused a job: sbatch: error: QOSMaxSubmit"),
    ):
        executor.submit(make(tmp_path, "one"), [], Resources())
    assert calls(cluster) == 1


def test_a_job_is_waited_with_no_longer_than_others_are_in_flight(tmp_path, cluster):
    with SlurmExecutor(1, Resources(), {}) as executor:
        one = executor.submit(make(tmp_path, "one"), [], Resources())
        (cluster / "full").write_text("true\n: > queue\n" + "true\n" * 10_000)
        with pytest.raises(InputError, match="Slurm refused a job"):
            executor.submit(make(tmp_path, "two"), [], Resources())
        assert "ended without a result" in one.result(30).reason
    assert calls(cluster) > 3


def test_wrong_settings_are_told_at_once_whatever_is_in_flight(tmp_path, cluster):
    with SlurmExecutor(1, Resources(), {}) as executor:
        executor.submit(make(tmp_path, "one"), [], Resources())
        executor.options["partion"] = "gpu"
        with pytest.raises(InputError, match=r"\[slurm\] of the suite: .*partion"):
            executor.submit(make(tmp_path, "two"), [], Resources())
    assert calls(cluster) == 1


class Unreadable:
    """The place of a result on a disk that has failed."""

    def exists(self) -> bool:
        raise OSError("input/output error")


@pytest.mark.parametrize("options", [{}, {"cluster": "local"}], ids=["slurm", "local"])
def test_everything_ends_when_the_jobs_cannot_be_watched(tmp_path, cluster, monkeypatch, options):
    def launch(executor, task, resources, after):
        paths = SimpleNamespace(result_pickle=Unreadable())
        return SimpleNamespace(job_id=task.key, paths=paths, cancel=lambda check: None)

    monkeypatch.setattr(SlurmExecutor, "_launch", launch)
    with SlurmExecutor(1, Resources(), options) as executor:
        futures = []
        for key in "abc":
            futures.append(executor.submit(make(tmp_path, key), futures[-1:], Resources()))
        futures[0].exception(30)
        futures.append(executor.submit(make(tmp_path, "late"), [], Resources()))
        assert [str(future.exception(30)) for future in futures] == ["input/output error"] * 4
