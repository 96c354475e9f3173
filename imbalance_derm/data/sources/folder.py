"""The user's own images in one sub-folder per class, with or without folders for the splits."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from imbalance_derm.data.contract import Dataset
from imbalance_derm.data.lesions import lesion_table
from imbalance_derm.data.sources.files import (
    image_files,
    is_image,
    require_folder,
    visible_folders,
)
from imbalance_derm.data.sources.split_names import SPLIT_NAMES, split_name
from imbalance_derm.errors import InputError
from imbalance_derm.registry.manager import suggest


class Folder(Dataset):
    """Images in ``CLASS/`` or in ``train/CLASS/``, ``validation/CLASS/`` and ``test/CLASS/``.

    Each file counts as a lesion of its own: where several photographs show one lesion or one
    patient, use the csv data set, which can say so. Hidden files are left out.

    Parameters
    ----------
    positive : str
        In a binary problem the class to find; the rarer one where this is empty.

    Examples
    --------
    >>> Folder(positive="melanoma").positive
    'melanoma'
    """

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"image_size": 48},
        "demo": {"image_size": 128},
    }

    def __init__(self, *, positive: str = "") -> None:
        self.positive = positive

    @classmethod
    def accepts(cls, path: Path) -> bool:
        """Tell whether `path` is a folder."""
        return path.is_dir()

    def table(self, root: Path | None) -> pd.DataFrame:
        """Return the lesion table of the folder `root`; an image outside a class has no label."""
        if root is None:
            raise InputError("the folder data set needs a folder: --data PATH")
        root = require_folder(Path(root), "--data names a folder with a sub-folder for each class")
        folders = visible_folders(root)
        if any(split_name(folder.name) == "train" for folder in folders):
            rows = [row for folder in folders for row in _split_rows(root, folder)]
        else:
            rows = _class_rows(root, root, None)
        if not any(row["label"] for row in rows):
            raise InputError(f"{root} has no sub-folder with images; make one for each class")
        return lesion_table(pd.DataFrame(rows))


def _split_rows(root: Path, folder: Path) -> list[dict[str, str | None]]:
    split = split_name(folder.name)
    if split is None:
        raise InputError(
            f"{folder} stands beside a training folder but is no split"
            f"{suggest(folder.name, SPLIT_NAMES)}"
        )
    return _class_rows(root, folder, split)


def _class_rows(root: Path, parent: Path, split: str | None) -> list[dict[str, str | None]]:
    rows = [_row(root, path, None, split) for path in sorted(parent.iterdir()) if is_image(path)]
    for folder in visible_folders(parent):
        files = image_files(folder)
        if not files:
            raise InputError(f"class folder {folder} has no image; add some or remove it")
        rows += [_row(root, path, folder.name, split) for path in files]
    return rows


def _row(root: Path, path: Path, label: str | None, split: str | None) -> dict[str, str | None]:
    image = path.relative_to(root).as_posix()
    return {"image": image, "label": label, "split": split, "source": str(path)}
