"""What an inspection means for a run: one line for each finding, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from imbalance_derm.data.inspection import Inspection
from imbalance_derm.data.splits import partition
from imbalance_derm.errors import InputError

STOPS, WARNING, NOTE = "stops a run", "warning", "note"
LEVELS = (STOPS, WARNING, NOTE)
_SKIP = "mend or remove them, or run with --skip-bad-images"
_SMALL = 64


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the judgement.

    Attributes
    ----------
    level : str
        One of :data:`LEVELS`.
    text, advice : str
        What was found, and what to do next.
    """

    level: str
    text: str
    advice: str


def findings(
    found: Inspection, validation: float = 0.15, test: float = 0.25, seed: int = 0
) -> list[Finding]:
    """Return what there is to say of an inspected data set, the worst first.

    Parameters
    ----------
    found : Inspection
    validation, test : float
        Shares that a run would draw where no split is given.
    seed : int
        Of that draw.
    """
    lines = [
        *_unusable(found),
        *_twice(found),
        *_alike(found),
        *_leaks(found),
        *_split(found, validation, test, seed),
        *_remarks(found),
    ]
    return sorted(lines, key=lambda line: LEVELS.index(line.level))


def _unusable(found: Inspection) -> Iterator[Finding]:
    faulty = found.table[found.table["fault"] != ""]
    if len(faulty):
        first = faulty.iloc[0]
        text = f"{_count(len(faulty), 'file')} cannot be used: {first['source']} {first['fault']}"
        yield Finding(STOPS, text + _more(len(faulty)), _SKIP)
    bare = found.table.loc[found.table["label"].isna(), "source"]
    if len(bare):
        text = f"{_count(len(bare), 'image')} without a label: {bare.iloc[0]}{_more(len(bare))}"
        yield Finding(STOPS, text, f"label them; {_SKIP}")
    ids = found.usable["image"]
    repeated = ids[ids.duplicated()]
    if len(repeated):
        text = f"{_count(repeated.nunique(), 'image id')} more than once: {repeated.iloc[0]}"
        yield Finding(STOPS, text + _more(repeated.nunique()), _SKIP)


def _twice(found: Inspection) -> Iterator[Finding]:
    kinds = (("bytes", found.same_file, STOPS), ("pixels", found.same_pixels, WARNING))
    for what, groups, level in kinds:
        torn = [rows for rows in groups if len(found.values(rows, "label")) > 1]
        if torn:
            names = " and ".join(found.values(torn[0], "label"))
            text = (
                f"{_count(len(torn), 'image')} under two labels (equal {what}): "
                f"{_images(found, torn[0])} are {names}"
            )
            yield Finding(level, text + _more(len(torn)), "keep the right label, remove the other")
        rest = [rows for rows in groups if rows not in torn]
        apart = [rows for rows in rest if len(found.values(rows, "lesion")) > 1]
        if apart:
            text = f"{_count(len(apart), 'image')} more than once (equal {what}): "
            advice = "remove the copies, or give them one lesion id"
            yield Finding(level, text + _images(found, apart[0]) + _more(len(apart)), advice)
        inside = len(rest) - len(apart)
        if inside:
            text = f"{_count(inside, 'image')} more than once (equal {what}) within one lesion"
            yield Finding(NOTE, text, "nothing to do, no split separates them")


def _alike(found: Inspection) -> Iterator[Finding]:
    pairs = [pair[:2] for pair in found.near]
    torn = [pair for pair in pairs if len(found.values(pair, "label")) > 1]
    if torn:
        text = f"{_count(len(torn), 'pair')} of near duplicates under two labels: "
        text += _images(found, torn[0]) + _more(len(torn))
        yield Finding(WARNING, text, "look at both and correct the wrong label")
    apart = [pair for pair in pairs if len(found.values(pair, "lesion")) > 1]
    if apart:
        text = f"{_count(len(apart), 'pair')} of near duplicates under two lesion ids: "
        text += _images(found, apart[0]) + _more(len(apart))
        yield Finding(WARNING, text, "where they show one lesion, give both its lesion id")
    if len(pairs) > len(apart):
        inside = len(pairs) - len(apart)
        text = f"{_count(inside, 'pair')} of near duplicates within one lesion"
        yield Finding(NOTE, text, "nothing to do, no split separates them")


def _leaks(found: Inspection) -> Iterator[Finding]:
    crossing = found.across_splits
    if crossing:
        text = f"{_count(len(crossing), 'pair')} of equal or similar images across splits: "
        text += _images(found, crossing[0]) + _more(len(crossing))
        yield Finding(WARNING, text, "scores would be too good: remove them from one side")
    for group, ids in found.leaks.items():
        if ids:
            text = f"{_count(len(ids), group)} in more than one split: {ids[0]}{_more(len(ids))}"
            yield Finding(STOPS, text, f"give all images of a {group} one split")


def _split(found: Inspection, validation: float, test: float, seed: int) -> Iterator[Finding]:
    if any(found.leaks.values()):
        return
    try:
        partition(found.usable, validation, test, seed)
    except InputError as error:
        text, _, advice = str(error).partition("; ")
        yield Finding(STOPS, text, advice)


def _remarks(found: Inspection) -> Iterator[Finding]:
    rows = found.usable
    if found.imbalance > 1:
        counts = found.training[found.training > 0]
        text = (
            f"imbalance {found.imbalance:.3g}:1; rarest class '{counts.index[-1]}' with "
            f"{_count(int(counts.iloc[-1]), 'training image')}"
        )
        yield Finding(NOTE, text, "see the remedies: imbderm recipes list")
    if len(rows) and rows["lesion"].eq(rows["image"]).all() and rows["patient"].isna().all():
        text = "no lesion or patient ids: each image counts as a lesion of its own"
        advice = "with several photographs of a lesion or patient use a csv file that has the ids"
        yield Finding(NOTE, text, advice)
    small = int((rows[["width", "height"]].min(axis=1) < _SMALL).sum())
    if small:
        text = f"{_count(small, 'image')} with a side below {_SMALL} pixels"
        yield Finding(NOTE, text, "enlarged images are blurred; choose a small data.image_size")


def _images(found: Inspection, rows: Sequence[int]) -> str:
    names = [str(found.table["image"].iloc[row]) for row in rows]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _more(number: int) -> str:
    return f" (and {number - 1:,} more like it)" if number > 1 else ""
