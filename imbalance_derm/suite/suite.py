"""The suite file: which runs make a benchmark."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from imbalance_derm.errors import InputError
from imbalance_derm.experiment.spec import Seed
from imbalance_derm.registry.parameters import validate

SEED = "seed"
Values = list[Any] | dict[str, Any]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_default=True)


class Budget(_Strict):
    """What a stage may take, and what it is given."""

    seconds: Annotated[float, Field(gt=0)] | None = Field(
        None, description="longest time of one stage; a run that takes longer is recorded as such"
    )
    threads: Annotated[int, Field(ge=1)] = Field(1, description="CPU threads of each worker")
    gpus: Annotated[float, Field(ge=0)] = Field(
        0.0, description="share of a GPU that a stage is given on a cluster"
    )
    memory_gb: Annotated[float, Field(gt=0)] = Field(
        8.0, description="memory that a stage is given on Slurm"
    )


class Suite(_Strict):
    """A benchmark: what all runs have in common, and the axes along which they differ.

    Attributes
    ----------
    name, summary : str
    preset : {"smoke", "demo", "paper"}
    seeds : list of int
        The innermost axis: every cell is trained once with each.
    metric : str
        What ranks the leaderboard; empty: its default.
    base : dict
        Sections as in a run's specification.
    axes : dict of str to list or dict
        A list of parts (by name, or as a table with parameters) for the section of that name,
        or of recipes; or, for an axis of any name, a table of sections by the name of each value.
    overlay : list of dict
        Combinations with settings of their own: by axis a value or a list of values, and ``set``,
        a table of sections.
    exclude : list of dict
        Combinations that are left out: by axis as there, and a ``reason``.
    budget : Budget
    slurm : dict
        Settings of the Slurm executor, as submitit names them: ``partition = "gpu"``, say.
    """

    name: Annotated[str, Field(pattern=r"^[\w-]+$")]
    summary: str = ""
    preset: Literal["smoke", "demo", "paper"] = "demo"
    seeds: Annotated[list[Seed], Field(min_length=1)] = [0]
    metric: str = ""
    base: dict[str, Any] = {}
    axes: dict[str, Values] = {}
    overlay: list[dict[str, Any]] = []
    exclude: list[dict[str, Any]] = []
    budget: Budget = Budget()
    slurm: dict[str, Any] = {}


def read_suite(path: Path) -> Suite:
    """Read a suite file.

    Raises
    ------
    InputError
        The file cannot be read, is not TOML, or a key or value in it is not allowed.
    """
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read suite {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"suite {path} is not valid TOML: {error}") from error
    suite = Suite.model_validate(validate(str(path), Suite, {"name": path.stem, **tree}))
    for axis, values in suite.axes.items():
        if not values:
            raise InputError(f"{path}: axis '{axis}' has no value; name one or remove it")
        if axis == SEED:
            raise InputError(f"{path}: write the seeds as seeds = [0, 1, ...], not as an axis")
    _check_conditions(path, suite, "overlay", "set")
    _check_conditions(path, suite, "exclude", "reason")
    return suite


def _check_conditions(path: Path, suite: Suite, key: str, own: str) -> None:
    for entry in getattr(suite, key):
        for axis in entry:
            if axis not in (*suite.axes, SEED, own):
                known = ", ".join([*suite.axes, SEED])
                raise InputError(f"{path}: {key} names axis '{axis}'; there are {known}")
