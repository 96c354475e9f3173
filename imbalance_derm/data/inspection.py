"""A look at every image of a data set, before any run: what is there, and what is in its way."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from PIL import Image

from imbalance_derm.data.checks import READERS
from imbalance_derm.data.contract import Dataset
from imbalance_derm.data.duplicates import (
    SIDE,
    NearPair,
    equal_groups,
    near_duplicates,
    thumbnail,
)
from imbalance_derm.data.splits import SPLITS

UNASSIGNED = "not given"
NO_SITE = "(missing)"
PAINTED = "drawn by a program"
_CHUNK = 64


class _Look(NamedTuple):
    """What one image says of itself; `fault` is empty where it can be used."""

    fault: str = ""
    digest: str | None = None
    pixels: str | None = None
    width: int = 0
    height: int = 0
    mode: str = ""
    thumbnail: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Inspection:
    """What was found in a data set.

    Attributes
    ----------
    name, notice : str
        Of the data set.
    table : DataFrame
        Lesion table, one row per image; further columns: ``fault`` (why the image cannot be
        used, or empty), ``width``, ``height``, ``mode`` (of the file, such as ``RGB`` or ``L``).
    same_file, same_pixels : list of list of int
        Rows with equal bytes; rows with equal pixels behind different bytes.
    near : list of NearPair
        Pairs of rows that look alike and are not equal.
    leaks : dict of str to list of str
        For ``"lesion"`` and ``"patient"``: the ids on more than one side of a given split.
    """

    name: str
    notice: str
    table: pd.DataFrame
    same_file: list[list[int]]
    same_pixels: list[list[int]]
    near: list[NearPair]
    leaks: dict[str, list[str]]

    @property
    def usable(self) -> pd.DataFrame:
        """Rows with a label and a sound image."""
        return self.table[self.table["label"].notna() & (self.table["fault"] == "")]

    @property
    def classes(self) -> pd.DataFrame:
        """Usable images of each class (rows, most common first) in each split (columns)."""
        rows = self.usable
        splits = rows["split"].where(rows["split"].notna(), UNASSIGNED)
        counts = pd.crosstab(rows["label"], splits)
        counts = counts[[name for name in (*SPLITS, UNASSIGNED) if name in counts]]
        order = counts.sum(axis=1).sort_values(ascending=False, kind="stable").index
        return counts.loc[order]

    @property
    def training(self) -> pd.Series:
        """Usable images of each class, most common first; of the training split if one is given."""
        counts = self.classes
        totals = counts["train"] if "train" in counts else counts.sum(axis=1)
        return totals.sort_values(ascending=False, kind="stable")

    @property
    def imbalance(self) -> float:
        """Training images of the most common class to those of the rarest that has any.

        0 where nothing is usable.
        """
        counts = self.training[self.training > 0]
        return float(counts.max() / counts.min()) if len(counts) else 0.0

    @property
    def sizes(self) -> dict[str, tuple[int, float, int]]:
        """Smallest, median and largest width and height in pixels."""
        sound = self.table[self.table["fault"] == ""]
        if sound.empty:
            return {}
        return {
            side: (int(sound[side].min()), float(sound[side].median()), int(sound[side].max()))
            for side in ("width", "height")
        }

    @property
    def modes(self) -> dict[str, int]:
        """Sound images by pixel mode, most common first."""
        sound = self.table.loc[self.table["fault"] == "", "mode"]
        return {str(mode): int(count) for mode, count in sound.value_counts().items()}

    @property
    def sites(self) -> pd.DataFrame | None:
        """Usable images by body site (rows) and class (columns); None where no site is known."""
        rows = self.usable
        if rows["site"].isna().all():
            return None
        counts = pd.crosstab(rows["site"].where(rows["site"].notna(), NO_SITE), rows["label"])
        order = counts.sum(axis=1).sort_values(ascending=False, kind="stable").index
        return counts.loc[order, self.classes.index]

    def values(self, rows: list[int] | tuple[int, ...], column: str) -> list[str]:
        """Return the different known values of a column in some rows, sorted."""
        return sorted(self.table[column].iloc[list(rows)].dropna().unique())

    @property
    def two_labels(self) -> list[list[int]]:
        """Groups of rows with one image, by bytes or by pixels, under more than one label."""
        return [
            rows
            for rows in (*self.same_file, *self.same_pixels)
            if len(self.values(rows, "label")) > 1
        ]

    @property
    def across_splits(self) -> list[tuple[int, int]]:
        """Pairs of equal or similar images on different sides of a given split."""
        pairs = [pair[:2] for pair in self.near]
        for rows in (*self.same_file, *self.same_pixels):
            firsts = self.table["split"].iloc[rows].drop_duplicates().index
            pairs += combinations(firsts.tolist(), 2)
        return [pair for pair in pairs if len(self.values(pair, "split")) > 1]

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain JSON types, images by id."""
        ids = self.table["image"].tolist()
        faulty = self.table[self.table["fault"] != ""]
        sites = self.sites
        return {
            "data": self.name,
            "notice": self.notice,
            "images": len(self.table),
            "usable": len(self.usable),
            "classes": {str(k): v for k, v in self.classes.T.to_dict().items()},
            "imbalance": self.imbalance,
            "sizes": {
                side: dict(zip(("min", "median", "max"), values, strict=True))
                for side, values in self.sizes.items()
            },
            "modes": self.modes,
            "sites": None if sites is None else sites.T.to_dict(),
            "broken": [
                {"source": source, "reason": fault}
                for source, fault in zip(faulty["source"], faulty["fault"], strict=True)
            ],
            "unlabelled": self.table.loc[self.table["label"].isna(), "image"].tolist(),
            "same_file": [[ids[row] for row in rows] for rows in self.same_file],
            "same_pixels": [[ids[row] for row in rows] for rows in self.same_pixels],
            "two_labels": [[ids[row] for row in rows] for rows in self.two_labels],
            "near_duplicates": [
                {
                    "images": [ids[pair.first], ids[pair.second]],
                    "similarity": round(pair.similarity, 4),
                    "labels": self.values(pair[:2], "label"),
                    "lesions": self.values(pair[:2], "lesion"),
                    "splits": self.values(pair[:2], "split"),
                }
                for pair in self.near
            ],
            "across_splits": [[ids[one], ids[other]] for one, other in self.across_splits],
            "leaks": self.leaks,
        }


def inspect(
    dataset: Dataset,
    name: str,
    root: Path | None,
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> Inspection:
    """Read every image of a data set and say what is there.

    Parameters
    ----------
    dataset : Dataset
    name : str
        What to call it.
    root : Path or None
        Where it is; as for :meth:`Dataset.table`.
    progress : callable
        ``progress(what, done, total)``, `what` being ``"read"`` or ``"compare"``.

    Raises
    ------
    InputError
        There is no such data set at `root`, or its table is malformed. What is wrong with an
        image raises nothing.

    Examples
    --------
    >>> from imbalance_derm.data.sources.phantom import Phantom
    >>> found = inspect(Phantom(images=28, ratio=6.0, resolution=32), "phantom", None)
    >>> found.classes["not given"].to_dict(), found.imbalance
    ({'benign': 24, 'malignant': 4}, 6.0)
    """
    table = dataset.table(root).reset_index(drop=True)
    looks = _look_at_all(dataset, list(table["source"]), progress)
    for column in ("fault", "width", "height", "mode"):
        table[column] = [getattr(look, column) for look in looks]
    same_file = equal_groups([look.digest for look in looks])
    # Equal files have equal pixels: one of each is enough to find what else has them.
    copies = {row for rows in same_file for row in rows[1:]}
    same_pixels = equal_groups(
        [None if row in copies else look.pixels for row, look in enumerate(looks)]
    )
    copies |= {row for rows in same_pixels for row in rows[1:]}
    rest = [
        (row, look.thumbnail)
        for row, look in enumerate(looks)
        if look.thumbnail is not None and row not in copies
    ]
    thumbnails = np.array([small for _, small in rest], np.uint8).reshape(-1, SIDE, SIDE)
    pairs = near_duplicates(thumbnails, progress=lambda done, n: progress("compare", done, n))
    near = [NearPair(rest[a][0], rest[b][0], similarity) for a, b, similarity in pairs]
    leaks = {group: _on_both_sides(table, group) for group in ("lesion", "patient")}
    return Inspection(name, dataset.notice, table, same_file, same_pixels, near, leaks)


def _look_at_all(
    dataset: Dataset, sources: list[str], progress: Callable[[str, int, int], None]
) -> list[_Look]:
    looks: list[_Look] = []
    with ThreadPoolExecutor(READERS) as pool, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, of files that it can read all the same
        for start in range(0, len(sources), _CHUNK):
            chunk = sources[start : start + _CHUNK]
            looks += pool.map(lambda source: _look_at(dataset, source), chunk)
            progress("read", len(looks), len(sources))
    return looks


def _look_at(dataset: Dataset, source: str) -> _Look:
    try:
        digest = dataset.digest(source)
    except FileNotFoundError:
        return _Look("no such file")
    except OSError as error:
        return _Look(f"cannot be read ({error.strerror or error})")
    try:
        image = dataset.read(source)
        pixels = np.ascontiguousarray(image)
        key = hashlib.sha256(f"{pixels.shape}".encode() + pixels.tobytes()).hexdigest()
        height, width = pixels.shape[:2]
        return _Look("", digest, key, width, height, _mode(source), thumbnail(image))
    except MemoryError:
        raise
    # Pillow's plugins and other people's data sets fail on bad files in every possible way.
    except Exception as error:
        reason = " ".join(str(error).replace(f" '{source}'", "").split())
        return _Look(f"cannot be decoded ({reason or type(error).__name__})", digest)


def _mode(source: str) -> str:
    """Return the pixel mode of an image file; what is no file was painted."""
    if not Path(source).is_file():
        return PAINTED
    with Image.open(source) as image:
        return image.mode


def _on_both_sides(table: pd.DataFrame, group: str) -> list[str]:
    sides = table.groupby(group)["split"].nunique()
    return sorted(map(str, sides.index[sides > 1]))
