"""Rules of a data set.

One that needs a folder is tried on a small copy of itself, which the author hands in, or else on
a folder or a csv file of random images, if it accepts that. Without any the rules on its table
and its images cannot be checked.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import numpy as np
import pandas as pd
from PIL import Image

from imbalance_derm.data.contract import Dataset
from imbalance_derm.data.lesions import COLUMNS
from imbalance_derm.data.sources.files import IMAGE_SUFFIXES
from imbalance_derm.testing.build import Build
from imbalance_derm.testing.every import EVERY, HERE, REFUSAL, SAME, pickled, refusal
from imbalance_derm.testing.rule import NotChecked, require, rule
from imbalance_derm.testing.watch import watched

CONTRACT = "imbalance_derm.data.contract"
IMAGES = 8
"""Images that are read of a table."""


@lru_cache(maxsize=1)
def samples() -> Path:
    """Return a folder with a sub-folder of images per class, and a csv file beside it."""
    root = Path(mkdtemp(prefix="imbderm-kit-"))
    rng, lines = np.random.default_rng(0), ["image,label"]
    for label, count in (("benign", 6), ("malignant", 4)):
        folder = root / "photos" / label
        folder.mkdir(parents=True)
        for number in range(count):
            pixels = rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{number}.png")
            lines.append(f"photos/{label}/{number}.png,{label}")
    (root / "table.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


def prepared(build: Build) -> Dataset:
    """Return a small one: with the parameters of preset ``smoke``, where there are any."""
    values = getattr(build.target, "presets", {}).get("smoke", {})
    dataset: Dataset = build(**{key: value for key, value in values.items() if build.has(key)})
    return dataset


def found(build: Build) -> tuple[Dataset, Path | None]:
    """Return the data set, and the folder or file to read."""
    dataset = prepared(build)
    if build.root is not None:
        return dataset, build.root
    if not dataset.needs_root:
        return dataset, None
    for path in (samples() / "photos", samples() / "table.csv"):
        if dataset.accepts(path):
            return dataset, path
    raise NotChecked("it needs its own layout; hand the kit a small copy: root=FOLDER, or --root")


def tabled(build: Build) -> tuple[Dataset, pd.DataFrame]:
    """Return the data set and its table."""
    dataset, root = found(build)
    return dataset, dataset.table(root)


def some(table: pd.DataFrame) -> list[str]:
    """Return the sources of a few rows that have a label."""
    labelled = table[table["label"].notna()]["source"]
    return [str(source) for source in labelled.iloc[:: max(1, len(labelled) // IMAGES)][:IMAGES]]


@rule(CONTRACT, "One data set in its publisher's own layout.")
def it_is_a_dataset(build: Build) -> None:
    """Look at its class."""
    require(isinstance(build(), Dataset), "it is no Dataset")


@rule(HERE, REFUSAL)
def a_missing_file_is_named(build: Build) -> None:
    """Try a folder that is not there, an empty one, and none."""
    if build.target.needs_root:
        with TemporaryDirectory() as empty:
            for root in (Path(empty) / "missing", Path(empty), None):
                if root == Path(empty) and build.target.accepts(samples() / "table.csv"):
                    continue
                text = refusal(lambda root=root: build().table(root))  # type: ignore[misc]
                require(bool(text), f"it takes a missing or empty folder ({root}) without an error")


@rule(CONTRACT, "Return the lesion table (see :func:`imbalance_derm.data.lesions.lesion_table`).")
def table_is_a_lesion_table(build: Build) -> None:
    """Columns, ids, labels and splits."""
    _, table = tabled(build)
    require(tuple(table.columns) == COLUMNS, f"its table has columns {list(table.columns)}")
    require(len(table) > 0, "its table has no row")
    require(bool(table["image"].is_unique), "an image id occurs twice in its table")
    labels = table["label"].dropna()
    require(all(isinstance(label, str) for label in labels), "its labels are not all text")
    require(labels.nunique() >= 2, "its table has fewer than two classes")
    splits = set(table["split"].dropna())
    unknown = splits - {"train", "validation", "test"}
    require(not unknown, f"its table has splits {sorted(map(str, unknown))}")
    stray = set(table["lesion"][table["split"] == "test"]) & set(
        table["lesion"][table["split"].isin(("train", "validation"))]
    )
    require(not stray, f"{len(stray)} lesions are in training or validation and in test")


@rule(CONTRACT, "No pixel is read here.")
def table_reads_no_pixel(build: Build) -> None:
    """Watch the files that are opened."""
    dataset, root = found(build)
    if root is None:
        return
    with watched(root if root.is_dir() else root.parent) as seen:
        dataset.table(root)
    images = [Path(path) for path in seen if Path(path).suffix.lower() in IMAGE_SUFFIXES]
    require(not images, f"table() opens {len(images)} images, {images[0] if images else ''} first")


@rule(HERE, SAME)
def table_is_the_same_again(build: Build) -> None:
    """Two tables."""
    require(tabled(build)[1].equals(tabled(build)[1]), "two calls give two tables")


@rule(CONTRACT, "In a binary problem the class to find; it is then put last. Empty elsewhere.")
def positive_is_a_class(build: Build) -> None:
    """Compare with the classes of the table."""
    dataset, table = tabled(build)
    classes = set(table["label"].dropna())
    if dataset.positive:
        text = f"its positive class is '{dataset.positive}', its classes are {sorted(classes)}"
        require(dataset.positive in classes and len(classes) == 2, text)


@rule(CONTRACT, "Return the whole image behind `source`, RGB and upright.")
def images_are_rgb(build: Build) -> None:
    """Read a few."""
    dataset, table = tabled(build)
    for source in some(table):
        image = dataset.read(source)
        if isinstance(image, Image.Image):
            require(image.mode == "RGB", f"it reads an image of mode {image.mode}")
        else:
            text = f"it reads {image.dtype} of shape {image.shape}, not uint8 (h, w, 3)"
            require(image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3, text)
        again = dataset.read(source)
        require(np.array_equal(np.asarray(image), np.asarray(again)), "read twice, it differs")


@rule(CONTRACT, "Return a hash that determines the pixels behind `source`.")
def digests_determine_pixels(build: Build) -> None:
    """Digests of a few images, twice."""
    dataset, table = tabled(build)
    pixels: dict[str, bytes] = {}
    for source in some(table):
        digest, image = dataset.digest(source), np.asarray(dataset.read(source)).tobytes()
        require(dataset.digest(source) == digest, "the same source has two digests")
        require(pixels.setdefault(digest, image) == image, "two images have the same digest")


@rule(CONTRACT, "Return the binary lesion mask of an image, or None where there is none.")
def masks_fit_their_images(build: Build) -> None:
    """Compare sizes."""
    dataset, table = tabled(build)
    for source in some(table):
        mask = dataset.mask(source)
        if mask is not None:
            sides = np.asarray(mask).shape[:2], np.asarray(dataset.read(source)).shape[:2]
            require(sides[0] == sides[1], f"a mask of {sides[0]} is for an image of {sides[1]}")


RULES = (
    *EVERY,
    it_is_a_dataset,
    pickled(lambda build: build()),
    a_missing_file_is_named,
    table_is_a_lesion_table,
    table_reads_no_pixel,
    table_is_the_same_again,
    positive_is_a_class,
    images_are_rgb,
    digests_determine_pixels,
    masks_fit_their_images,
)
