"""From a data set to training and validation images, and a test set under seal."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from imbalance_derm.data.checks import check_table
from imbalance_derm.data.contract import Dataset
from imbalance_derm.data.lesions import MISSING_SITE, LesionSet
from imbalance_derm.data.site_grouping import group_sites, load_site_groups
from imbalance_derm.data.splits import partition
from imbalance_derm.data.store import (
    DECODE_VERSION,
    class_names,
    decode,
    decode_masks,
    lesion_set,
    open_images,
    site_names,
)
from imbalance_derm.errors import InputError
from imbalance_derm.experiment.events import StageProgress, StageStarted
from imbalance_derm.experiment.fingerprint import digest
from imbalance_derm.experiment.spec import DataSection
from imbalance_derm.experiment.stages import Progress
from imbalance_derm.pipeline.workbench import Workbench
from imbalance_derm.registry.parameters import create


@dataclass(frozen=True, eq=False)
class Split:
    """Decoded lesions of one split.

    Attributes
    ----------
    lesions : LesionSet
    key : str
        Hash of all that determines the decoded lesions, resolution included, masks not.
    skipped : sequence of str
    content : str
        Hash of the images' sources and labels: equal for the same lesions at any resolution.
    masks : str
        Hash of the lesion masks, "" where none were asked for.
    """

    lesions: LesionSet
    key: str
    skipped: Sequence[str]
    content: str
    masks: str = ""


class SealedTest:
    """The test split, not decoded. Only the evaluation stage opens it.

    No component is ever handed this object, the data set or the full table: what a component
    gets holds training lesions (the classifier's stage: validation lesions too).
    """

    def __init__(self, reader: _Reader, table: pd.DataFrame) -> None:
        self.__reader = reader
        self.__table = table

    def open(self) -> Split:
        """Decode the test images."""
        return self.__reader.decoded(self.__table, "test")


@dataclass(frozen=True, eq=False)
class Lesions:
    """What a run works on.

    Attributes
    ----------
    train, validation : Split
    test : SealedTest
    notice, leaky : str
        As the data set says; where it is leaky, `validation` holds the test images.
    positive : str
    skipped : tuple of str
    """

    train: Split
    validation: Split
    test: SealedTest
    notice: str
    leaky: str
    positive: str
    skipped: tuple[str, ...]


def read_table(settings: DataSection) -> tuple[Dataset, pd.DataFrame]:
    """Return the data set of a specification and its table of lesions, unchecked.

    Raises
    ------
    InputError
        The data are not where they should be, or their table cannot be read.
    """
    dataset: Dataset = create("dataset", settings.name, settings.parameters)
    if dataset.needs_root and not settings.root:
        raise InputError(
            f"data set {settings.name} needs --data-root FOLDER, the folder that holds it"
        )
    root = Path(settings.root) if dataset.needs_root else None
    if root is not None and not root.exists():
        raise InputError(f"--data-root {root}: no such file or folder")
    return dataset, dataset.table(root)


def load_lesions(bench: Workbench, masks: bool = False) -> Lesions:
    """Read the table, check it, split it, and decode training and validation images.

    Parameters
    ----------
    masks : bool
        Whether the training lesions come with their masks.

    Raises
    ------
    InputError
        The data cannot be used as they are; the text names the file, class or column.
    """
    settings = bench.spec.data
    dataset, table = read_table(settings)
    checked = check_table(dataset, table, settings.skip_bad_images)
    if settings.site_groups:
        mapping = load_site_groups(settings.site_groups)
        checked.table["site"] = _grouped(checked.table["site"], mapping)
    shares = (settings.validation, settings.test)
    parts = partition(checked.table, *shares, settings.split_seed, dataset.leaky)
    classes = class_names(parts.train, dataset.positive)
    digests = dict(zip(checked.table["image"], checked.digests, strict=True))
    reader = _Reader(bench, dataset, digests, classes, site_names(parts.train))
    train = reader.decoded(parts.train, "train", masks)
    validation = reader.decoded(parts.validation, "validation")
    return Lesions(
        train,
        validation,
        SealedTest(reader, parts.test),
        dataset.notice,
        dataset.leaky,
        classes[-1] if len(classes) == 2 else "",
        (*checked.skipped, *train.skipped, *validation.skipped),
    )


def _grouped(sites: pd.Series, mapping: dict[str, str]) -> list[str | None]:
    known, names = pd.factorize(sites, sort=True)
    groups, of_group = group_sites(known, list(names), mapping)
    return [of_group[group] if group != MISSING_SITE else None for group in groups]


@dataclass(frozen=True)
class _Reader:
    """Decodes the images of one data set, one stage for each split."""

    bench: Workbench
    dataset: Dataset
    digests: dict[str, str]
    classes: tuple[str, ...]
    sites: tuple[str, ...]

    def decoded(self, table: pd.DataFrame, split: str, masks: bool = False) -> Split:
        settings, sources = self.bench.spec.data, list(table["source"])
        inputs = {
            "images": [self.digests[image] for image in table["image"]],
            "size": settings.image_size,
            "skip": settings.skip_bad_images,
            "version": DECODE_VERSION,
        }

        def compute(folder: Path, progress: Progress) -> dict[str, object]:
            decoded = decode(
                self.dataset,
                sources,
                settings.image_size,
                folder,
                lambda done, total: progress(done, total, {}),
                settings.skip_bad_images,
            )
            dropped = sorted(set(range(len(sources))) - set(decoded.kept))
            facts = {"split": split, "images": len(decoded.kept)}
            return {**facts, "dropped": dropped, "skipped": decoded.skipped}

        stage = self.bench.cache.run("decode", inputs, compute)
        table = table.drop(index=table.index[stage.facts["dropped"]]).reset_index(drop=True)
        lesions = lesion_set(table, open_images(stage.folder), self.classes, self.sites)
        rows = table.loc[:, ["image", "label", "site", "lesion"]].astype(object)
        rows = rows.where(rows.notna(), None)
        key = digest([stage.key, self.classes, self.sites, rows.to_numpy().tolist()])
        content = digest(
            [[self.digests[i], y] for i, y in zip(table["image"], table["label"], strict=True)]
        )
        if not masks:
            return Split(lesions, key, stage.facts["skipped"], content)
        found = self._masks(list(table["source"]))
        hashed = hashlib.sha256(np.packbits(found).tobytes()).hexdigest()
        return Split(replace(lesions, masks=found), key, stage.facts["skipped"], content, hashed)

    def _masks(self, sources: list[str]) -> np.ndarray:
        tell = self.bench.cache.listener
        tell(StageStarted("masks", ""))
        size = self.bench.spec.data.image_size

        def progress(done: int, total: int) -> None:
            tell(StageProgress("masks", done, total, {}))

        return decode_masks(self.dataset, sources, size, progress)
