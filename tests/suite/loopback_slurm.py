"""A Slurm of one node on this machine: munge, controller and node daemon of our own."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "sinfo")

CONFIGURATION = """\
ClusterName=loopback
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=64000
PartitionName=all Nodes=ALL Default=YES DefaultTime=30 State=UP
"""


class NoSlurm(Exception):
    """Why there can be none here."""


@contextmanager
def loopback_slurm(folder: Path) -> Iterator[None]:
    """Run the daemons, and point Slurm's commands to them.

    Raises
    ------
    NoSlurm
        Programs are missing, this is not root, or the node does not come up.
    """
    path = f"{os.environ['PATH']}:/usr/sbin"
    missing = [name for name in PROGRAMS if shutil.which(name, path=path) is None]
    if missing:
        raise NoSlurm(f"{', '.join(missing)} not found; apt-get install slurm-wlm munge")
    if os.geteuid() != 0:
        raise NoSlurm("its daemons need root")
    for name in ("state", "spool"):
        (folder / name).mkdir()
    folder.chmod(0o711)  # munged wants its socket to be within reach of all
    key = folder / "munge.key"
    key.write_bytes(secrets.token_bytes(128))
    key.chmod(0o600)
    host = socket.gethostname().partition(".")[0]
    configuration = folder / "slurm.conf"
    controller, node = _free_ports(2)
    configuration.write_text(
        CONFIGURATION.format(host=host, folder=folder, controller=controller, node=node)
    )
    environment = {**os.environ, "PATH": path, "SLURM_CONF": str(configuration)}
    munged = ["munged", "--foreground", "--force", "--num-threads=2"] + [
        f"--{option}={folder}/munge.{ending}"
        for option, ending in (
            ("socket", "socket"),
            ("key-file", "key"),
            ("pid-file", "pid"),
            ("log-file", "log"),
            ("seed-file", "seed"),
        )
    ]
    before = os.environ.get("SLURM_CONF")
    with ExitStack() as stack:
        for command in (munged, ["slurmctld", "-D", "-i"], ["slurmd", "-D", "-N", host]):
            stack.enter_context(_running(command, environment, folder))
        _wait_for_node(environment, folder)
        os.environ["SLURM_CONF"] = str(configuration)
        try:
            yield
        finally:
            os.environ.pop("SLURM_CONF")
            if before is not None:
                os.environ["SLURM_CONF"] = before


@contextmanager
def _running(command: list[str], environment: dict[str, str], folder: Path) -> Iterator[None]:
    with (folder / f"{command[0]}.out").open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for_node(environment: dict[str, str], folder: Path) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        answer = subprocess.run(
            ["sinfo", "--noheader", "--format=%T"], env=environment, capture_output=True, text=True
        )
        if answer.stdout.strip() == "idle":
            return
        time.sleep(0.5)
    logs = " ".join((folder / "slurmctld.out").read_text().splitlines()[-2:])
    raise NoSlurm(f"its node did not come up: {answer.stdout}{answer.stderr}{logs}")


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        found = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in found:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in found]
