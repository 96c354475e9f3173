"""The suite file: which runs make a benchmark."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from imbalance_derm.errors import InputError
from imbalance_derm.experiment.spec import Seed
from imbalance_derm.registry.manager import suggest
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
    remarks : list of str
        What a reader of its leaderboard must know, such as where it departs from a paper.
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
        Combinations with settings of their own: by axis a value or a list of values by name, and
        ``set``, a table of sections.
    exclude : list of dict
        Combinations that are left out: by axis as there, and a ``reason``.
    budget : Budget
    slurm : dict
        Settings of the Slurm executor, as submitit names them: ``partition = "gpu"``, say.
    """

    name: Annotated[str, Field(pattern=r"^[\w-]+$")]
    summary: str = ""
    remarks: list[str] = []
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
        The file cannot be read, is not TOML, or a key or value in it is not allowed: a metric
        that no run has, say, or a condition that no combination meets.
    """
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read suite {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"suite {path} is not valid TOML: {error}") from error
    suite = Suite.model_validate(validate(str(path), Suite, {"name": path.stem, **tree}))
    _check_metric(path, suite.metric)
    names: dict[str, list[str]] = {}
    for axis, values in suite.axes.items():
        if not values:
            raise InputError(f"{path}: axis '{axis}' has no value; name one or remove it")
        if axis == SEED:
            raise InputError(f"{path}: write the seeds as seeds = [0, 1, ...], not as an axis")
        names[axis] = [name_of(value) for value in values]
    names[SEED] = [str(seed) for seed in suite.seeds]
    for number, entry in enumerate(suite.overlay, start=1):
        where = f"{path}: [[overlay]] {number}"
        if not isinstance(entry.get("set"), dict):
            raise InputError(f"{where} has no table of sections 'set', such as set.loss.gamma = 1")
        _check_conditions(where, entry, "set", names)
    for number, entry in enumerate(suite.exclude, start=1):
        _check_conditions(f"{path}: [[exclude]] {number}", entry, "reason", names)
    return suite


def name_of(value: Any) -> str:
    """Return the name of a value of an axis.

    Examples
    --------
    >>> name_of({"name": "duplicate", "quota": "x3"}), name_of(["joint", "crt"])
    ('duplicate (quota=x3)', 'joint > crt')
    """
    if isinstance(value, dict):
        rest = ", ".join(f"{key}={each}" for key, each in value.items() if key != "name")
        return f"{value.get('name', '')} ({rest})" if rest else str(value.get("name", ""))
    return " > ".join(map(name_of, value)) if isinstance(value, list) else str(value)


def names_in(condition: Any) -> list[str]:
    """Return the names of the values that an overlay or exclusion gives for an axis."""
    return [name_of(each) for each in (condition if isinstance(condition, list) else [condition])]


def _check_metric(path: Path, metric: str) -> None:
    from imbalance_derm.evaluation import metrics
    from imbalance_derm.evaluation.long_tail import GROUPS

    known = {
        *metrics.OF_SCORES,
        *metrics.OF_DECISIONS,
        *metrics.OF_ALL_CLASSES,
        *metrics.OF_PROBABILITIES,
        *(f"{group}_accuracy" for group in GROUPS),
    }
    name = metric.partition("/")[0]  # what follows is a class of the data
    if metric and name not in known:
        raise InputError(f"{path}: unknown metric '{metric}'{suggest(name, known)}")


def _check_conditions(
    where: str, entry: dict[str, Any], own: str, names: dict[str, list[str]]
) -> None:
    """Check that an entry names axes and their values, beside the key of its `own`."""
    for axis, condition in entry.items():
        if axis == own:
            continue
        if axis not in names:
            raise InputError(f"{where} names axis '{axis}'; there are {', '.join(names)}")
        for name in names_in(condition):
            if name not in names[axis]:
                raise InputError(
                    f"{where}: {axis} has no value '{name}'{suggest(name, names[axis])}"
                )
