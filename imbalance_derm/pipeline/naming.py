"""Names of run folders."""

from __future__ import annotations

import errno
from pathlib import Path

from imbalance_derm.errors import InputError
from imbalance_derm.experiment.files import write_text
from imbalance_derm.experiment.fingerprint import digest
from imbalance_derm.experiment.spec import Spec

SPEC_FILE = "spec.toml"


def run_name(spec: Spec) -> str:
    """Return ``DATA-SYNTH-LOSS-HEAD-sSEED-HASH``; the hash is that of the specification.

    Examples
    --------
    >>> run_name(Spec()).rsplit("-", 1)[0]
    'phantom-none-ce-single_task-s0'
    """
    parts = (spec.data.name, spec.synth.name, spec.loss.name, spec.head.name, f"s{spec.seed}")
    return "-".join([*parts, digest(spec.model_dump(mode="json"))[:6]])


def new_run_folder(out: Path, spec: Spec) -> Path:
    """Create the folder of a new run below `out` and put its specification in it.

    Raises
    ------
    InputError
        `out` cannot be written.
    """
    name, number = run_name(spec), 1
    folder = out / name
    try:
        out.mkdir(parents=True, exist_ok=True)
        while folder.exists():
            number += 1
            folder = out / f"{name}-{number}"
        folder.mkdir()
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        reason = (error.strerror or "not writable").lower()
        raise InputError(f"cannot write runs to {out}: {reason}; give --out DIR") from error
    try:
        write_text(folder / SPEC_FILE, spec.to_toml())
    except OSError:
        folder.rmdir()
        raise
    return folder


def read_run_spec(folder: Path) -> Spec:
    """Return the specification of a run folder.

    Raises
    ------
    InputError
        It is no run folder.
    """
    file = folder / SPEC_FILE
    if not file.is_file():
        raise InputError(f"{folder} is no run folder: it has no {SPEC_FILE}; see --out")
    try:
        return Spec.from_toml(file.read_text(encoding="utf-8"))
    except ValueError as error:
        first = str(error).splitlines()[0]
        raise InputError(f"{file} is not a specification of this version: {first}") from error
