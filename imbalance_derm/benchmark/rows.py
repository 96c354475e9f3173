"""One row of a leaderboard: a method, with the runs that it was measured by."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from imbalance_derm.benchmark.published import PrintedFigure
from imbalance_derm.evaluation.best_set import Standing
from imbalance_derm.evaluation.delong import DeLong
from imbalance_derm.evaluation.mcnemar import McNemar
from imbalance_derm.experiment.record import Figure
from imbalance_derm.experiment.spec import PARTS as KIND_OF_SECTION

Status = Literal["measured here", "as printed", "recovered"]

PARTS = (
    "synth", "loss", "head", "sampler", "mixer", "backbone", "recipe", "stages", "optimizer",
    "posthoc",
)  # fmt: skip
"""Sections of the specification that name a method, in the order of a label."""

UNSPOKEN = {"recipe": "none", "stages": "joint", "optimizer": "torch", "posthoc": "none"}
"""What goes without saying in a label; also what records that are older than a section did."""

THEN = " > "
"""Between the stages of a schedule."""


@dataclass(frozen=True)
class Run:
    """One run of a method: one training seed.

    Attributes
    ----------
    name, folder : str
    seed : int
    updates : int or None
        Budget in optimiser updates.
    created : str
        UTC time, ISO 8601.
    metrics, validation : dict of str to Figure
        Of the test and of the validation images.
    decision : dict
        As the record has it.
    confusion : list of list of int
        Of the test images.
    """

    name: str
    folder: str
    seed: int
    updates: int | None
    created: str
    metrics: dict[str, Figure]
    validation: dict[str, Figure]
    decision: dict[str, Any]
    confusion: list[list[int]]


@dataclass(frozen=True)
class SeedTests:
    """A row's model of one seed against the top row's of the same seed; both are fixed models.

    Attributes
    ----------
    seed : int
    mcnemar : McNemar
        Of their decisions; ``only_first`` counts lesions that only this row gets right.
    mcnemar_adjusted : float
        Its mid-p-value after Holm's adjustment over the family.
    delong : DeLong or None
        Of their AUCs, this row minus the top; None where there are not two classes.
    delong_adjusted : float
        Its p-value, alike; 1 where it has none.
    family : int
        How often the same test was made: every row and seed against the top.
    """

    seed: int
    mcnemar: McNemar
    mcnemar_adjusted: float
    delong: DeLong | None
    delong_adjusted: float
    family: int


@dataclass(frozen=True)
class Row:
    """One method on one data set.

    Attributes
    ----------
    data : str
        Name of the data set.
    fingerprint : str
        Of the test images and labels behind a measured row; empty for a published one.
    method : str
        Label for a reader; :func:`imbalance_derm.benchmark.labels.labelled` lengthens it where
        two rows would otherwise read the same.
    parts : dict of str to str
        Component by section, as far as known.
    status : {"measured here", "as printed", "recovered"}
    metrics : dict of str to Figure
        Fractions of 1, by the true name of each quantity; means over the runs where there are
        several.
    binary : bool
    key : str
        Tells measured rows apart; empty for a published one.
    splits : str
        Of all images and labels behind a measured row, those of training included; empty where
        not known.
    suite : str
        Folder of the suite that all its runs are of; empty where there is none.
    runs : tuple of Run
        By seed; empty for a published row.
    axes : dict of str to str
        Value by axis of the suite that the runs are of.
    test_counts : dict of str to int
        Test images by class; empty where not stated.
    validation_counts, training_counts : dict of str to int
        Validation and training images by class, alike.
    synthetic : bool
        Whether synthetic samples were fed beside the real ones.
    printed : dict of str to PrintedFigure
        By metric, what a paper printed and under which heading.
    source : str
        Reference of a published row; empty for a measured one.
    notice : str
        What must be said beside any figure from this data set.
    leaky : str
        How test images entered the training of a measured row; empty where they did not.
    spec : dict
        Specification of a measured row's first run.
    decision : str
        How a measured row's operating point was chosen.
    caveats : tuple of str
        What a published row's figures must not be taken for.
    components : dict of (str, str) to str
        Citation by kind and name of every part, as far as known.
    classes, confusion : list
        The confusion matrix of the test images, rows are the truth; the sum over the runs;
        empty where not known.
    standing : Standing or None
        Where the row stands against the top; None where it was not compared.
    other_budget : bool
        Whether it had another number of updates than the top.
    tests : tuple of SeedTests
        Against the top, seed by seed.
    chosen : bool
        Whether it is the row that validation chooses.
    """

    data: str
    fingerprint: str
    method: str
    parts: dict[str, str]
    status: Status
    metrics: dict[str, Figure]
    binary: bool
    key: str = ""
    splits: str = ""
    suite: str = ""
    runs: tuple[Run, ...] = ()
    axes: dict[str, str] = field(default_factory=dict)
    test_counts: dict[str, int] = field(default_factory=dict)
    validation_counts: dict[str, int] = field(default_factory=dict)
    training_counts: dict[str, int] = field(default_factory=dict)
    synthetic: bool = False
    printed: dict[str, PrintedFigure] = field(default_factory=dict)
    source: str = ""
    notice: str = ""
    leaky: str = ""
    spec: dict[str, Any] = field(default_factory=dict)
    decision: str = ""
    caveats: tuple[str, ...] = ()
    components: dict[tuple[str, str], str] = field(default_factory=dict)
    classes: list[str] = field(default_factory=list)
    confusion: list[list[int]] = field(default_factory=list)
    standing: Standing | None = None
    other_budget: bool = False
    tests: tuple[SeedTests, ...] = ()
    chosen: bool = False

    @property
    def seeds(self) -> tuple[int, ...]:
        """Training seeds of the runs."""
        return tuple(run.seed for run in self.runs)

    @property
    def updates(self) -> tuple[int, ...]:
        """The different budgets of the runs, in optimiser updates; one where they are equal."""
        return tuple(sorted({run.updates for run in self.runs if run.updates is not None}))

    @property
    def best(self) -> bool:
        """Whether it cannot be told from the top."""
        return self.standing is not None and not self.standing.distinguishable

    @property
    def marks(self) -> tuple[str, ...]:
        """What must be seen beside the method's name, in words."""
        said = {
            "best": self.best,
            "chosen": self.chosen,
            "other budget": self.other_budget,
            "leaky": bool(self.leaky),
        }
        return tuple(word for word, holds in said.items() if holds)

    def called(self, part: str) -> str:
        """Return the name of a part, or what the suite calls the part with its settings."""
        name, own = self.parts.get(part, "?"), self.axes.get(part, "")
        return name if own in name else own

    def spoken(self, part: str) -> str:
        """Return the name of a part for a label, "" where it goes without saying."""
        name = self.called(part)
        return "" if name == UNSPOKEN.get(part) else name


def kind_of(section: str) -> str:
    """Return the kind of component that a section of a specification or a record names.

    Examples
    --------
    >>> kind_of("synth"), kind_of("stage 2"), kind_of("recipe")
    ('synthesizer', 'stage', 'recipe')
    """
    return KIND_OF_SECTION.get(section, "stage" if section.startswith("stage") else section)
