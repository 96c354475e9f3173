"""The image store: each image is decoded once, into one file that is mapped, never loaded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import pandas as pd

from imbalance_derm.data.checks import READERS, skip_or_raise
from imbalance_derm.data.contract import Dataset
from imbalance_derm.data.lesions import MISSING_SITE, LesionSet
from imbalance_derm.data.pixels import square, square_mask
from imbalance_derm.errors import InputError, RunError
from imbalance_derm.registry.manager import suggest

IMAGES_FILE = "images.npy"
DECODE_VERSION = 2
"""Goes up when the same file would give other pixels; part of a store's key."""
_CHUNK = 64


class Decoded(NamedTuple):
    """What :func:`decode` wrote.

    Attributes
    ----------
    kept : list of int
        For each image of the store, its position in the sources; ascending.
    skipped : list of str
        ``"FILE: reason"`` for each other one.
    """

    kept: list[int]
    skipped: list[str]


def _silent(done: int, total: int) -> None:
    pass


def decode(
    dataset: Dataset,
    sources: Sequence[str],
    size: int,
    folder: Path,
    progress: Callable[[int, int], None] = _silent,
    skip_bad: bool = False,
) -> Decoded:
    """Decode images to uint8 squares into ``folder/images.npy``.

    Files are decoded in parallel and written in order, a few at a time, so that memory does
    not grow with their number. The file appears under its name only when it is complete.

    Parameters
    ----------
    dataset : Dataset
        Reads the sources.
    sources : sequence of str
    size : int
        Side of the stored images in pixels. See :func:`imbalance_derm.data.pixels.square`.
    folder : Path
        Existing folder.
    progress : callable
        ``progress(done, total)``.
    skip_bad : bool
        Leave out what cannot be decoded instead of raising.

    Raises
    ------
    InputError
        A file is truncated or no image and `skip_bad` is False, or none is left.
    RunError
        The store cannot be written.
    """
    part = folder / f"{IMAGES_FILE}.part"
    try:
        with part.open("wb") as file:
            decoded = _write(dataset, sources, size, file, progress, skip_bad)
        part.replace(folder / IMAGES_FILE)
    except OSError as error:
        raise RunError(
            f"cannot write images to {folder}: {error.strerror or error}; free space or choose "
            "another folder"
        ) from error
    finally:
        part.unlink(missing_ok=True)
    return decoded


def _write(
    dataset: Dataset,
    sources: Sequence[str],
    size: int,
    file: BinaryIO,
    progress: Callable[[int, int], None],
    skip_bad: bool,
) -> Decoded:
    kept: list[int] = []
    faults: list[tuple[str, str]] = []
    _header(file, len(sources), size)
    with ThreadPoolExecutor(READERS) as pool:
        for start in range(0, len(sources), _CHUNK):
            chunk = sources[start : start + _CHUNK]
            results = pool.map(lambda source: _decode_one(dataset, source, size), chunk)
            for row, result in enumerate(results, start):
                if isinstance(result, str):
                    faults.append((sources[row], result))
                else:
                    kept.append(row)
                    file.write(np.ascontiguousarray(result).data)
            progress(min(start + _CHUNK, len(sources)), len(sources))
    skipped = skip_or_raise(faults, skip_bad)
    if not kept:
        raise InputError(f"none of the {len(sources)} images can be decoded; see {skipped[:1]}")
    # numpy pads the header so that the length of the first axis can be written anew.
    file.seek(0)
    _header(file, len(kept), size)
    return Decoded(kept, skipped)


def _header(file: BinaryIO, count: int, size: int) -> None:
    header = {"descr": "|u1", "fortran_order": False, "shape": (count, size, size, 3)}
    np.lib.format.write_array_header_1_0(file, header)


def _decode_one(dataset: Dataset, source: str, size: int) -> np.ndarray | str:
    """Return the image, or why there is none."""
    try:
        return square(dataset.read(source, at_least=2 * size), size)
    except MemoryError:
        raise
    # Pillow's plugins and other people's data sets fail on bad files in every possible way.
    except Exception as error:
        reason = " ".join(str(error).replace(f" '{source}'", "").split())
        return f"cannot be decoded ({reason or type(error).__name__})"


def decode_masks(
    dataset: Dataset,
    sources: Sequence[str],
    size: int,
    progress: Callable[[int, int], None] = _silent,
) -> np.ndarray:
    """Return the lesion masks of images on the same square as the images themselves.

    Returns
    -------
    ndarray of bool, shape (n, size, size)
        All False where an image has no mask.

    Raises
    ------
    InputError
        No image has a mask, or one cannot be read.
    """
    masks = np.zeros((len(sources), size, size), dtype=bool)

    def one(source: str) -> np.ndarray | None:
        try:
            mask = dataset.mask(source)
        except OSError as error:
            raise InputError(f"the lesion mask of {source} cannot be read: {error}") from error
        return None if mask is None else square_mask(mask, size)

    found = 0
    with ThreadPoolExecutor(READERS) as pool:
        for row, mask in enumerate(pool.map(one, sources)):
            if mask is not None:
                masks[row], found = mask, found + 1
            progress(row + 1, len(sources))
    if not found:
        raise InputError(
            "this synthesizer needs lesion masks, and the data set has none; phantom and "
            "ham10000 have them, or choose another mode"
        )
    return masks


def open_images(folder: Path) -> np.ndarray:
    """Map the images of a store, uint8 of shape (n, size, size, 3), read-only."""
    return np.load(folder / IMAGES_FILE, mmap_mode="r", allow_pickle=False)


def class_names(train: pd.DataFrame, positive: str = "") -> tuple[str, ...]:
    """Return the classes of the training table, sorted; the positive one last if there are two.

    Parameters
    ----------
    train : DataFrame
        Lesion table of the training split.
    positive : str
        Where it is empty, the rarer one of two classes counts as positive.

    Raises
    ------
    InputError
        `positive` is none of the classes.

    Examples
    --------
    >>> class_names(pd.DataFrame({"label": ["mel", "nv", "nv"]}))
    ('nv', 'mel')
    """
    counts = train["label"].value_counts()
    names = sorted(counts.index)
    if positive and positive not in names:
        raise InputError(f"positive class '{positive}' does not occur{suggest(positive, names)}")
    if len(names) == 2:
        last = positive or min(reversed(names), key=lambda name: counts[name])
        names = sorted(names, key=lambda name: name == last)
    return tuple(names)


def site_names(train: pd.DataFrame) -> tuple[str, ...]:
    """Return the body sites of the training table, sorted, without the missing."""
    return tuple(sorted(train["site"].dropna().unique()))


def lesion_set(
    table: pd.DataFrame, images: np.ndarray, classes: Sequence[str], sites: Sequence[str]
) -> LesionSet:
    """Join the table of one split with its images.

    Parameters
    ----------
    table : DataFrame, n rows
        Lesion table; every label is one of `classes`.
    images : ndarray, length n
        Row by row the images of `table`; a slice of a memory map stays one.
    classes, sites : sequence of str
        From :func:`class_names` and :func:`site_names`; a site that is not among them counts
        as missing.

    Raises
    ------
    ValueError
        The lengths differ or a label is unknown.
    """
    if len(table) != len(images):
        raise ValueError(f"{len(table)} rows but {len(images)} images")
    label_of = {name: i for i, name in enumerate(classes)}
    site_of = {name: i for i, name in enumerate(sites)}
    unknown = set(table["label"]) - set(label_of)
    if unknown:
        raise ValueError(f"labels {sorted(unknown)} are not among {list(classes)}")
    return LesionSet(
        samples=images,
        labels=np.array([label_of[name] for name in table["label"]], dtype=np.int64),
        sites=np.array([site_of.get(name, MISSING_SITE) for name in table["site"]], dtype=np.int64),
        image_ids=table["image"].to_numpy(dtype=str),
        lesion_ids=table["lesion"].to_numpy(dtype=str),
        classes=tuple(classes),
        site_names=tuple(sites),
    )
