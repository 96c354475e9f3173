"""Reads published results: facts from TOML, and the figures that follow from them."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError, model_validator

from imbalance_derm.benchmark.recovery import (
    QUANTITIES,
    ConfusionCounts,
    printed_range,
    recover,
)
from imbalance_derm.errors import InputError


class _Facts(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Facts):
    """Where the figures stand, and what a reader must know of how they came about."""

    key: str
    citation: str
    arxiv: str = ""
    table: str = ""
    caveats: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The reference in one line."""
        parts = [self.citation, f"arXiv {self.arxiv}" if self.arxiv else "", self.table]
        return ", ".join(part for part in parts if part)


class PublishedData(_Facts):
    """The data behind the figures; `name` is the data set's component name."""

    name: str
    description: str
    positive: str = ""
    train: dict[str, PositiveInt] = {}
    test: dict[str, PositiveInt] = {}

    @model_validator(mode="after")
    def _positive_is_counted(self) -> PublishedData:
        if self.positive and (len(self.test) != 2 or self.positive not in self.test):
            raise ValueError("test must count the positive class and one other")
        return self


class Footnote(_Facts):
    """What a mark on a printed figure means."""

    mark: str
    text: str


class PrintedFigure(_Facts):
    """One figure exactly as printed.

    Attributes
    ----------
    column : str
        The paper's own heading.
    text : str
        The digits, such as ``"91.76"``.
    unit : {"%", "1"}
    quantity : str
        What the figure is, by its true name.
    mark : str
        Footnote mark, where heading and quantity differ.
    """

    column: str
    text: str
    unit: Literal["%", "1"]
    quantity: str
    mark: str = ""

    @model_validator(mode="after")
    def _is_a_number(self) -> PrintedFigure:
        try:
            printed_range(self.text, self.unit)
        except InputError as error:
            raise ValueError(str(error)) from error
        return self

    @property
    def value(self) -> float:
        """The figure as a fraction of 1."""
        low, high = printed_range(self.text, self.unit)
        return float((low + high) / 2)

    @property
    def digits(self) -> int:
        """Decimals of the fraction that were printed."""
        return len(self.text.partition(".")[2]) + (2 if self.unit == "%" else 0)


class PublishedRow(_Facts):
    """One row of a published table."""

    method: str
    printed: tuple[PrintedFigure, ...] = Field(min_length=1)
    parts: dict[str, str] = {}
    false_negatives: int | None = Field(default=None, ge=0)


class PublishedTable(_Facts):
    """One file of published results."""

    source: Source
    data: PublishedData
    footnote: tuple[Footnote, ...] = ()
    row: tuple[PublishedRow, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _marks_are_explained(self) -> PublishedTable:
        known = {note.mark for note in self.footnote}
        for row in self.row:
            for figure in row.printed:
                if figure.mark and figure.mark not in known:
                    raise ValueError(f"mark '{figure.mark}' of {row.method} has no footnote")
        return self

    def recovered(self, row: PublishedRow) -> tuple[ConfusionCounts, ...] | None:
        """Return every confusion matrix that fits all printed figures of `row`.

        None where the paper prints too little to try: no count of missed positives, or no
        figure that is a function of the confusion matrix.

        Raises
        ------
        InputError
            The paper's counts contradict each other.
        """
        figures = [figure for figure in row.printed if figure.quantity in QUANTITIES]
        if row.false_negatives is None or not self.data.positive or not figures:
            return None
        positives = self.data.test[self.data.positive]
        negatives = sum(self.data.test.values()) - positives
        fits = [
            recover(positives, negatives, row.false_negatives, f.text, f.quantity, f.unit)
            for f in figures
        ]
        return tuple(counts for counts in fits[0] if all(counts in other for other in fits[1:]))


@cache
def published_folder() -> Path:
    """Return the folder of the published results that come with the package.

    An installed wheel carries it inside the package; a checkout has it under ``benchmarks``.
    """
    inside = Path(str(files("imbalance_derm.benchmark"))) / "published"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "benchmarks" / "published"


def load_published(folder: Path | None = None) -> list[PublishedTable]:
    """Read every ``*.toml`` of `folder`, by default those that come with the package.

    Raises
    ------
    InputError
        The folder does not exist, or a file is malformed; the text names it.
    """
    folder = published_folder() if folder is None else folder
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder of published results")
    return [_load(file) for file in sorted(folder.glob("*.toml"))]


def _load(file: Path) -> PublishedTable:
    try:
        return PublishedTable.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "table"
        raise InputError(f"{file}: {where}: {first['msg']}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{file} is not valid TOML: {error}") from error
