"""The predictions behind rows, and which rows they allow to be compared in pairs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from imbalance_derm.benchmark.bundle import PREDICTIONS_FILE
from imbalance_derm.benchmark.rows import Row, Run
from imbalance_derm.errors import InputError
from imbalance_derm.evaluation.decision import Decision, decide
from imbalance_derm.evaluation.metrics import measure
from imbalance_derm.evaluation.over_seeds import Method
from imbalance_derm.evaluation.predictions import Predictions

MOST_RUNS = 600
"""Runs above which nothing is resampled: half a minute of work, and more pairs than are read."""
MOST_PAIRS = 10_000
"""Pairs of rows above which none is compared."""
_TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class Judged:
    """A row with what its models say of the test images, one by one.

    Attributes
    ----------
    row : Row
    said : list of Predictions
        By seed.
    decisions : list of Decision
        By seed.
    validated_on : tuple of int
        By seed, equal where the validation images and labels are; empty where not known.
    """

    row: Row
    said: list[Predictions]
    decisions: list[Decision]
    validated_on: tuple[int, ...]

    @property
    def method(self) -> Method:
        """Predictions and decisions as comparisons take them."""
        return self.said, self.decisions


@dataclass(frozen=True, eq=False)
class Family:
    """Rows that can be compared in pairs.

    Attributes
    ----------
    judged : list of Judged
        Every row whose predictions are known, leaky ones and those outside the family included.
    members : list of Judged
        Of the same test images and the same seeds, none of them leaky.
    outside : list of (str, str)
        Reason and method of each measured row that is not a member.
    """

    judged: list[Judged]
    members: list[Judged]
    outside: list[tuple[str, str]]


def read_family(rows: Sequence[Row], metric: str) -> Family:
    """Read the predictions of measured rows and find the largest set that can be paired.

    Parameters
    ----------
    rows : sequence of Row
        Measured rows of one test set.
    metric : str
        What is to be compared; rows where it is undefined are outside.
    """
    outside: list[tuple[str, str]] = []
    if sum(len(row.runs) for row in rows) > MOST_RUNS:
        reason = f"more than {MOST_RUNS} runs are not resampled; name fewer"
        return Family([], [], [(reason, row.method) for row in rows])
    judged = []
    for row in rows:
        found = _judged(row)
        if isinstance(found, Judged):
            judged.append(found)
        else:
            outside.append((found, row.method))
    sets: dict[tuple[int, tuple[int, ...]], list[Judged]] = {}
    for each in judged:
        if each.row.leaky:
            outside.append(("leaky", each.row.method))
        elif metric not in each.row.metrics or np.isnan(each.row.metrics[metric].value):
            outside.append((f"{metric} is undefined", each.row.method))
        else:
            sets.setdefault((_images(each.said[0]), each.row.seeds), []).append(each)
    if not sets:
        return Family(judged, [], outside)
    (images, seeds), members = max(sets.items(), key=lambda entry: (len(entry[1]), entry[0][1]))
    for (other, own), left in sets.items():
        if left is not members:
            reason = "other test images" if other != images else _other_seeds(own, seeds)
            outside += [(reason, each.row.method) for each in left]
    return Family(judged, members, outside)


def _other_seeds(own: tuple[int, ...], seeds: tuple[int, ...]) -> str:
    return f"seed{'s' if len(own) > 1 else ''} {seeds_text(own)} instead of {seeds_text(seeds)}"


def seeds_text(seeds: Sequence[int]) -> str:
    """Return seeds for a reader, in ranges where they are consecutive.

    Examples
    --------
    >>> seeds_text([0, 1, 2, 5])
    '0-2, 5'
    """
    spans: list[list[int]] = []
    for seed in sorted(seeds):
        if spans and seed == spans[-1][1] + 1:
            spans[-1][1] = seed
        else:
            spans.append([seed, seed])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in spans)


def _has_predictions(run: Run) -> bool:
    return (Path(run.folder) / PREDICTIONS_FILE).is_file()


def _judged(row: Row) -> Judged | str:
    """Return the row with its predictions, or why there are none."""
    if not all(map(_has_predictions, row.runs)):
        return "no predictions beside the record"
    try:
        read = [_read(run, tuple(row.classes)) for run in row.runs]
        said = [splits["test"] for splits in read]
        decisions = [_decision(run) for run in row.runs]
    except (InputError, KeyError, TypeError, ValueError, OSError) as error:
        return f"predictions that cannot be read ({type(error).__name__})"
    if len({_images(each) for each in said}) > 1:
        return "seeds that were tested on different images"
    if any(not np.isfinite(each.probabilities).all() for each in said):
        return "predictions that are not finite"
    if any(
        not _agree(run, each, rule)
        for run, each, rule in zip(row.runs, said, decisions, strict=True)
    ):
        return "predictions that do not give the record's figures: see imbderm verify"
    known = all("validation" in splits for splits in read)
    validated_on = tuple(_validated_on(splits["validation"]) for splits in read if known)
    return Judged(row, said, decisions, validated_on)


def _read(run: Run, classes: tuple[str, ...]) -> dict[str, Predictions]:
    from imbalance_derm.pipeline.judgement import read_predictions

    return read_predictions(Path(run.folder) / PREDICTIONS_FILE, classes)


def _validated_on(said: Predictions) -> int:
    return hash(frozenset(zip(said.image_ids.tolist(), said.labels.tolist(), strict=True)))


def _decision(run: Run) -> Decision:
    names = ("rule", "threshold", "criterion", "chosen_on")
    return Decision(**{name: run.decision[name] for name in names})


def _agree(run: Run, said: Predictions, rule: Decision) -> bool:
    again = measured(said, rule)
    return all(
        abs(again[name] - figure.value) <= _TOLERANCE
        for name, figure in run.metrics.items()
        if not np.isnan(figure.value) and name in again
    )


def measured(said: Predictions, rule: Decision) -> dict[str, float]:
    """Return every figure of predictions as they are."""
    once = np.ones((1, len(said.labels)))
    found = measure(said, decide(said, rule), once)
    return {name: float(values[0]) for name, values in found.items()}


def alike(members: Sequence[Judged]) -> list[list[Judged]]:
    """Return the groups of rows whose models said and decided the same, seed by seed.

    As where a loss weighs classes that a sampler or synthetic samples have already balanced: it
    is then another name of the plain loss. Predictions that differ by rounding are the same.

    Parameters
    ----------
    members : sequence of Judged
        Of the same test images and the same seeds.
    """
    groups: list[list[Judged]] = []
    for each in members:
        found = (group for group in groups if _same(group[0], each))
        own = next(found, None)
        if own is None:
            groups.append([each])
        else:
            own.append(each)
    return [group for group in groups if len(group) > 1]


def _same(first: Judged, second: Judged) -> bool:
    return all(
        np.allclose(ours.probabilities, theirs.probabilities, rtol=0, atol=_TOLERANCE)
        and np.array_equal(decide(ours, rule), decide(theirs, their_rule))
        for ours, rule, theirs, their_rule in zip(
            first.said, first.decisions, second.said, second.decisions, strict=True
        )
    )


def _images(said: Predictions) -> int:
    parts = (said.classes, said.image_ids.tolist(), said.labels.tolist(), said.lesion_ids.tolist())
    return hash(tuple(tuple(part) for part in parts))


def reasons(
    outside: Sequence[tuple[str, str]], what: str = "Not compared", most: int = 5
) -> Iterator[str]:
    """Yield a sentence for each reason, with the rows that it holds for."""
    by_reason: dict[str, list[str]] = {}
    for reason, method in outside:
        by_reason.setdefault(reason, []).append(method)
    for reason, methods in by_reason.items():
        more = f" and {len(methods) - most:,} more" if len(methods) > most else ""
        yield f"{what} ({reason}): {'; '.join(methods[:most])}{more}."
