"""Where runs are kept: the client of an MLflow store, and an experiment in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING
from unittest.mock import patch

from imbalance_derm.errors import InputError

if TYPE_CHECKING:
    from mlflow import MlflowClient

ARTIFACTS = "mlartifacts"
"""Folder of the artifacts, beside an SQLite file."""


def connect(uri: str, experiment: str) -> tuple[MlflowClient, str]:
    """Return a client of the store at `uri`, and the id of an experiment, made where it is new.

    Parameters
    ----------
    uri : str
        Empty: the one that MLflow was told of, as by ``MLFLOW_TRACKING_URI``.
    experiment : str
        Name of the experiment.

    Raises
    ------
    InputError
        No store is named, or it cannot be used.
    """
    try:
        import mlflow
    except ImportError as error:
        raise InputError(f"tracker mlflow needs: pip install mlflow ({error})") from error
    if not uri and not mlflow.is_tracking_uri_set():
        # MLflow's own choice would be a file in the working folder, which is not ours to fill.
        raise InputError(
            "tracker mlflow is not told where to write; set MLFLOW_TRACKING_URI, or name it: "
            "--tracker mlflow/sqlite:///mlflow.db, --tracker mlflow/http://127.0.0.1:5000"
        )
    uri = uri or mlflow.get_tracking_uri()
    try:
        with few_retries():
            client = mlflow.MlflowClient(uri)
            return client, _experiment(client, uri, experiment)
    except InputError:
        raise
    except Exception as error:  # of MLflow, of the database, of a missing driver
        reason = shorten(hidden(str(error)), 300, placeholder=" ...")
        raise InputError(
            f"tracker mlflow cannot use {hidden(uri)}; check the address, and that "
            f"its server is running: {reason or type(error).__name__}"
        ) from error


def without_password(uri: str) -> str:
    """Return `uri`, which the run's record will show.

    Raises
    ------
    ValueError
        There is a password in it.
    """
    if hidden(uri) != uri:
        raise ValueError(
            "the password would stand in the record; where to put it says the readme of "
            "imbderm-mlflow"
        )
    return uri


def hidden(text: str) -> str:
    """Return `text` without the names and passwords of its addresses.

    Examples
    --------
    >>> hidden("no answer from https://me:secret@mlflow.example/api")
    'no answer from https://mlflow.example/api'
    """
    return re.sub(r"//[^/\s@]*@", "//", text)


def reopen(client: MlflowClient, run_id: str) -> bool:
    """Set a run to running again; False where the store has it no more."""
    from mlflow.exceptions import MlflowException

    try:
        found = client.get_run(run_id)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return False
        raise
    if found.info.lifecycle_stage != "active":
        return False
    client.update_run(run_id, status="RUNNING")
    return True


def end(client: MlflowClient, run_id: str, status: str) -> None:
    """End a run; MLflow would print its address among what the command line prints."""
    with patch.dict("os.environ", MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT="true"):
        client.set_terminated(run_id, status)


def end_if_possible(client: MlflowClient, run_id: str, status: str) -> None:
    """End a run as far as the store can be reached."""
    with suppress(Exception), few_retries():
        end(client, run_id, status)


@contextmanager
def few_retries() -> Iterator[None]:
    """Let MLflow give a silent server up after seconds; by default it takes minutes."""
    with patch.dict("os.environ", MLFLOW_HTTP_REQUEST_MAX_RETRIES="1"):
        yield


def _experiment(client: MlflowClient, uri: str, name: str) -> str:
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            made: str = client.create_experiment(name, _artifacts_of(uri))
        except MlflowException as error:
            found = client.get_experiment_by_name(name)
            if found is None or error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        else:
            return made
    if found.lifecycle_stage != "active":
        raise InputError(
            f"the MLflow experiment '{name}' is deleted; bring it back with: mlflow experiments "
            f"restore --experiment-id {found.experiment_id}, or choose another name"
        )
    existing: str = found.experiment_id
    return existing


def _artifacts_of(uri: str) -> str | None:
    """Return a folder beside an SQLite file; MLflow would take the working folder."""
    if not uri.startswith("sqlite:"):
        return None
    from sqlalchemy.engine import make_url

    file = make_url(uri).database
    return (Path(file).resolve().parent / ARTIFACTS).as_uri() if file else None
